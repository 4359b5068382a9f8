"""The head of an HTTP/1.1 request to a proxy: read, judged by its form, written anew. No I/O."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
from dataclasses import dataclass
from http import HTTPStatus

MOST = 64 * 1024
"""Bytes of a request line with its headers; RFC 9112 section 3 leaves the limit to us. It is the fake's own."""

LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e\x80-\xff]+) (HTTP/1\.[01])")
"""RFC 9112 section 3; targets with raw UTF-8 are let through, as the fake does."""

FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):([\t\x20-\x7e\x80-\xff]*)")
"""RFC 9112 section 5: no blank before the colon, no folded lines. The blanks about the value are taken off later: a pattern would try their every split."""

AUTHORITY = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.~-]+)?)\]|(?P<name>[0-9A-Za-z._-]{1,255}))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)
"""A host, its port where there is one. ASCII alone: a wider `api.june.so` of full-width letters would be June's after its resolution."""

ABSOLUTE = re.compile(r"(?P<scheme>https?)://(?:[^/?#@]*@)?(?P<authority>[^/?#@]+)(?P<rest>[/?][^#]*)?", re.IGNORECASE)

HOP_BY_HOP = frozenset({"connection", "keep-alive", "proxy-authorization", "proxy-authenticate", "proxy-connection", "upgrade"})
"""What is between two neighbours alone (RFC 9110 section 7.6.1). The framing stays, for the body goes on as it came."""


class BadHeadError(ValueError):
    """What is no request that a proxy can serve. The text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a request wants to go."""

    host: str
    port: int
    scheme: str = ""
    path: str = ""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authority(self) -> str:
        """The host, with its port where that is not the scheme's own: as a Host header has it."""
        return str(self).rpartition(":")[0] if self.port == {"http": 80, "https": 443}.get(self.scheme) else str(self)


@dataclass(frozen=True, slots=True)
class Head:
    """A request's line and headers; names as they came."""

    method: str
    target: str
    version: str
    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """The values of a header, in their order. `name` is lower case."""
        return [value for key, value in self.fields if key.lower() == name]

    def place(self) -> Place | None:
        """Where the target says to go: CONNECT's and an absolute form's; None for the origin form, which says it by its Host. Raises BadHeadError."""
        if self.method == "CONNECT":
            return _place(self.target, None)
        if self.target.startswith("/") or self.target == "*":
            return None
        match = ABSOLUTE.fullmatch(self.target)
        if match is None:
            raise BadHeadError("a proxy is asked for http:// or https:// addresses, or by CONNECT host:port")
        scheme, rest = match["scheme"].lower(), match["rest"] or "/"
        found = _place(match["authority"], {"http": 80, "https": 443}[scheme])
        return Place(found.host, found.port, scheme, rest if rest.startswith("/") else "/" + rest)

    def host(self) -> Place:
        """Where the Host header says to go. Raises BadHeadError where there is not exactly one (RFC 9112 section 3.2)."""
        hosts = self.all("host")
        if len(hosts) != 1:
            raise BadHeadError("a request has one Host header")
        return _place(hosts[0], 80)

    def knows(self, secret: str) -> bool:
        """Whether Proxy-Authorization names the secret (`june:SECRET`, Basic)."""
        values = self.all("proxy-authorization")
        if len(values) != 1:
            return False
        scheme, _, token = values[0].partition(" ")
        try:
            given = base64.b64decode(token.strip(), validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(given, f"june:{secret}".encode())

    def onward(self, target: str, host: str, *more: tuple[str, str]) -> bytes:
        """The head as it is sent on: another target and Host, nothing that was meant for the proxy alone, and the connection ends after it."""
        named = {word.strip().lower() for value in self.all("connection") for word in value.split(",")}
        dropped = HOP_BY_HOP | {"host"} | (named - {"content-length", "transfer-encoding"})
        kept = [(name, value) for name, value in self.fields if name.lower() not in dropped]
        lines = [f"{self.method} {target} {self.version}", *(f"{name}: {value}" for name, value in (("Host", host), *kept, *more, ("Connection", "close")))]
        return "\r\n".join((*lines, "", "")).encode("latin-1")


def parse(raw: bytes) -> Head:
    """A head, with the empty line at its end. Raises BadHeadError."""
    first, *rest = raw[:-4].split(b"\r\n")
    line = LINE.fullmatch(first)
    if line is None:
        raise BadHeadError("this is not a valid HTTP/1.1 request")
    fields = []
    for one in rest:
        match = FIELD.fullmatch(one)
        if match is None:
            raise BadHeadError("this is not a valid HTTP/1.1 header")
        fields.append((match[1].decode("latin-1"), match[2].strip(b" \t").decode("latin-1")))
    return Head(line[1].decode("latin-1"), line[2].decode("latin-1"), line[3].decode("latin-1"), tuple(fields))


def _place(text: str, port: int | None) -> Place:
    match = AUTHORITY.fullmatch(text)
    number = int(match["port"]) if match is not None and match["port"] else port
    if match is None or number is None or not 0 < number < 65536:
        raise BadHeadError("this is no host and port")
    return Place((match["v6"] or match["name"]).lower(), number)


class Refusal(Exception):  # noqa: N818 - an answer, not an error
    """What a client is told in the place of what it wanted: one line of JSON in the fake's shape of a refusal, as `answer`. The connection ends after it."""

    def __init__(self, status: int, code: str, message: str, *more: tuple[str, str]) -> None:
        super().__init__(message)
        body = json.dumps({"status": status, "success": False, "code": code, "message": message, "errors": [], "errors_total": 0}).encode() + b"\n"
        fields = (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *more, ("Connection", "close"))
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in fields)]
        self.answer = "\r\n".join((*lines, "", "")).encode("latin-1") + body
