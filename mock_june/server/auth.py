"""Who calls: the API key in its spellings, and the hiding of keys from all that is kept or shown.

The spellings are June's clients' (docs/explanation/contract.md): `Basic <key>` as it stands, `Basic base64(key:)` (RFC 7617), `Basic base64(key)`, and the
browser's `writeKey` in the body.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

import orjson

from mock_june.model import ApiKey
from mock_june.server.spellings import Spellings

Pairs = Sequence[tuple[str, str]]

SECRET_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "x-mock-june-token"})
SECRET_PARAMETER = re.compile(r"(?i)((?:^|[?&])(?:api_?-?key|key|token|access_token|write_?key)=)([^&#]*)")
WRITE_KEY = re.compile(rb'("write[kK]ey"[ \t\r\n]*:[ \t\r\n]*")([^"\\]*+(?:\\.[^"\\]*+)*+)"', re.DOTALL)

JOINED = re.compile(r"(?i),\s*(?:basic|bearer)(?:\s|$)")
"""Two Authorization headers, as a WSGI host joins them (RFC 3875 section 4.1.18)."""

SHORT = 8
"""A key below this length is hidden where a key stands by its place (a header, `writeKey`), not wherever its letters occur: `a` occurs everywhere."""

HEADS = 128
"""How many requests' headers are remembered. They may be long, so they are few: 64 KiB each is what a server takes."""

CACHED = 1024
"""How many spellings of `Authorization` are remembered."""


def key_from_basic(value: str, known: Collection[str] = ()) -> str | None:
    """The key in an `Authorization` header's value; None where there is none. The scheme is case-insensitive (RFC 9110 section 11.1)."""
    scheme, _, rest = value.strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() != "basic" or not rest or JOINED.search(rest):
        return None
    decoded = _base64_text(rest)
    if decoded is not None:
        if ":" in decoded:
            return decoded.partition(":")[0] or None
        if decoded in known:
            return decoded
    return rest


def _base64_text(value: str) -> str | None:
    """The printable text whose base64 `value` is, else None."""
    try:
        text = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return text if text.isprintable() else None


def write_key(body: bytes) -> str | None:
    """The browser SDK's `writeKey` member of a JSON body, None where there is none."""
    if b"rite" not in body:
        return None
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    key = payload.get("writeKey") if isinstance(payload, dict) else None
    return key if isinstance(key, str) and key else None


class Keys:
    """The keys that are good. With none given, and not `strict`, any non-empty key is."""

    def __init__(self, given: Iterable[str] = (), *, strict: bool = False) -> None:
        self._given = set(given)
        self._sought = set(self._given)
        self.strict = strict or bool(self._given)
        self._cache: dict[str, ApiKey | None] = {}
        self.hider = Hider(self._sought)

    def add(self, key: str) -> None:
        """Takes one more key; from now on only the given ones are good."""
        self.strict = True
        self._given.add(key)
        self._sought.add(key)
        self._changed()

    def retire(self, key: str) -> None:
        """Takes a key still, and hides it in the calls that carry it, but seeks it in no other call: of a thousand old keys that takes 10 ms a call."""
        self._sought.discard(key)
        self._changed()

    def discard(self, key: str) -> None:
        """Takes a key no longer."""
        self._given.discard(key)
        self._sought.discard(key)
        self._changed()

    def _changed(self) -> None:
        self._cache.clear()
        self.hider = Hider(self._sought)

    def key_of(self, headers: Pairs, body_key: str | None = None) -> ApiKey | None:
        """The good key that a request carries, None where it carries none. A header, even a wrong one, outranks the body."""
        values = [value for name, value in headers if name == "authorization"]
        if not values:
            return self._good(body_key)
        if len(values) > 1:
            return None
        value = values[0]
        if value not in self._cache:
            if len(self._cache) >= CACHED:
                self._cache.clear()
            self._cache[value] = self._good(key_from_basic(value, self._given))
        return self._cache[value]

    def _good(self, key: str | None) -> ApiKey | None:
        return ApiKey(key) if key and (not self.strict or key in self._given) else None


class Hider:
    """Hides keys in what is kept and shown: the given ones, and the one that a call carries.

    In a body a key is overwritten by as many bytes, so that places in it stay what they were.
    """

    def __init__(self, given: Collection[str]) -> None:
        self.headers = lru_cache(HEADS)(self._headers)
        self._given = tuple(sorted((key for key in given if len(key) >= SHORT), key=len, reverse=True))

    def _keys(self, key: ApiKey | None) -> tuple[str, ...]:
        if key is None or len(key.value) < SHORT or key.value in self._given:
            return self._given
        return (key.value, *self._given)

    def _headers(self, pairs: tuple[tuple[str, str], ...], key: ApiKey | None) -> tuple[tuple[str, str], ...]:
        """Headers without a key: what carries one by its name is hidden whole, elsewhere the key's own letters are."""
        secrets = [_spellings(secret) for secret in self._keys(key)]
        short = key.value if key is not None and len(key.value) < SHORT else None
        kept: list[tuple[str, str]] = []
        for pair in pairs:
            name, value = pair
            if name in SECRET_HEADERS:
                kept.append((name, self._credential(value, key)))
            elif value == short or _any_in(secrets, value):
                kept.append((name, self.text(value, key)))
            else:
                kept.append(pair)
        return tuple(kept)

    @staticmethod
    def _credential(value: str, key: ApiKey | None) -> str:
        scheme, blank, rest = value.partition(" ")
        shown = key.masked if key is not None else "…"
        return f"{scheme} {shown}" if blank and rest and scheme.lower() in {"basic", "bearer"} else shown

    def path(self, path: str, key: ApiKey | None) -> str:
        """A path with its query, without a key: parameters that carry one by their name are hidden whole."""
        if "?" in path:
            path = SECRET_PARAMETER.sub(r"\1…", path)
        return self.text(path, key)

    def text(self, text: str, key: ApiKey | None) -> str:
        """A text without a key in any of its spellings."""
        for secret in self._keys(key):
            text = _spellings(secret).in_text(text, ApiKey(secret).masked)
        if key is not None and len(key.value) < SHORT and text == key.value:
            return "…"
        return text

    def answer(self, body: bytes, key: ApiKey | None) -> bytes:
        """The JSON of an answer without a key in any of its spellings."""
        for secret in self._keys(key):
            masked = orjson.dumps(ApiKey(secret).masked)[1:-1]
            body = _spellings(secret).in_body(body, lambda _, masked=masked: masked)  # type: ignore[misc]
        return body

    def body(self, body: bytes, key: ApiKey | None) -> bytes:
        """A body of the same length, without a key: the value of `writeKey`, and any key wherever it stands."""
        if b"rite" in body:
            body = WRITE_KEY.sub(lambda m: m[1] + b"*" * len(m[2]) + b'"', body)
        for secret in self._keys(key):
            body = _spellings(secret).in_body(body, b"*".__mul__)
        return body


def _any_in(secrets: Iterable[Spellings], text: str) -> bool:
    for secret in secrets:  # noqa: SIM110 - `any` makes a generator, twice the time
        if secret.may_be_in(text):
            return True
    return False


_spellings = lru_cache(CACHED)(Spellings)
