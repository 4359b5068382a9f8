"""What is promised of calls, whatever payload they carry: who may call, with which method, where; and what is no JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from .article import HEADERS, POST
from .breaking import minimal, plain
from .cases import BARE, COLON, NONE, PLAIN, Auth, Case, Promise, Wants, compact
from .files import Kind, Payload, share

Render = Callable[[Payload], bytes]

FACTS = "what June's clients send"


def auth(kinds: Sequence[Kind], *, any_key: bool) -> Iterator[Promise]:
    """Who is let in."""
    skip = "with --any-key there is no wrong key" if any_key else ""
    open_door = "auth.no-key.refused"
    yield _let_in("auth.key.accepted", "the API key is taken as it stands after `Basic`", HEADERS, kinds, PLAIN)
    yield _let_in(
        "auth.base64-colon.accepted", "the API key is taken as RFC 7617 has it: base64 of `key:`", f"{FACTS}: Basic, base64 of writeKey:", kinds, COLON
    )
    yield _let_in(
        "auth.base64.accepted", "the API key is taken as base64 of `key`, without a colon", f"{FACTS}: Basic, base64 of writeKey", kinds, BARE, skip=skip
    )
    yield _let_in("auth.scheme-case.accepted", "the scheme's name is taken in any case", "the scheme name is case-insensitive", kinds, *_cases_of_scheme())
    yield _kept_out(open_door, "a call without an API key is answered 401", HEADERS, kinds, NONE, Auth(lambda _: "Basic", "Basic"), _fixed("Basic Og=="))
    yield _kept_out(
        "auth.other-scheme.refused", "an API key under another scheme, or under none, is answered 401", HEADERS, kinds, *_schemes(), unless=open_door
    )
    yield _kept_out("auth.wrong-key.refused", "a wrong API key is answered 401, in each spelling", HEADERS, kinds, *_wrong_keys(), unless=open_door, skip=skip)


def _let_in(name: str, text: str, quote: str, kinds: Sequence[Kind], *auths: Auth, skip: str = "") -> Promise:
    cases = tuple(Case(contract=contract, kind=kind, about=_shown(each), auth=each) for contract, kind in kinds for each in auths)
    return Promise(id=name, text=text, quote=quote, cases=cases, skip=skip)


def _kept_out(name: str, text: str, quote: str, kinds: Sequence[Kind], *auths: Auth, unless: str = "", skip: str = "") -> Promise:
    """A good payload, so that the key alone is what is wrong."""
    cases = tuple(
        Case(contract=contract, kind=kind, about=_shown(each), auth=each, wants=Wants.UNAUTHORIZED, payload=minimal(contract, kind)[0])
        for contract, kind in kinds
        for each in auths
    )
    return Promise(id=name, text=text, quote=quote, cases=cases, unless=(unless,) if unless else (), skip=skip)


def _shown(each: Auth) -> str:
    return f"Authorization: {each.shell}" if each.shell is not None else "no Authorization"


def _fixed(value: str) -> Auth:
    return Auth(lambda _: value, value)


def _cases_of_scheme() -> tuple[Auth, ...]:
    return Auth(lambda key: f"basic {key}", "basic $KEY"), Auth(lambda key: f"BASIC {key}", "BASIC $KEY")


def _schemes() -> tuple[Auth, ...]:
    return (
        Auth(lambda key: f"Bearer {key}", "Bearer $KEY"),
        Auth(lambda key: f"Token {key}", "Token $KEY"),
        Auth(lambda key: f"Basic{key}", "Basic$KEY"),
        Auth(lambda key: key, "$KEY"),
    )


def _wrong_keys() -> tuple[Auth, ...]:
    return (
        Auth(lambda key: f"Basic {key}x", "Basic ${KEY}x"),
        Auth(lambda key: f"Basic {key[:-1] or 'x'}", "Basic ${KEY%?}"),
        Auth(lambda key: f"Basic x{key}", "Basic x$KEY"),
        Auth(lambda key: COLON.value(f"{key}x"), "Basic $(printf %s: \"${KEY}x\" | base64 | tr -d '\\n')"),
        Auth(lambda key: BARE.value(f"{key}x"), "Basic $(printf %s \"${KEY}x\" | base64 | tr -d '\\n')"),
        _fixed("Basic not-the-key"),
    )


def http(kinds: Sequence[Kind]) -> Iterator[Promise]:
    """Where calls go, and how."""
    others = ("GET", "PUT", "PATCH", "DELETE")
    wrong = tuple(_by(method, contract, kind) for contract, kind in kinds for method in others)
    yield Promise(id="http.method.refused", text="another method than POST is answered 405", quote=POST, cases=wrong)
    contract, kind = kinds[0]
    nowhere = tuple(
        Case(contract=contract, kind=kind, about=path, wants=Wants.NOT_FOUND, payload=minimal(contract, kind)[0], elsewhere=path)
        for path in ("/api/nothing", f"/api/{kind}/nothing", f"/{kind}")
    )
    yield Promise(
        id="http.path.refused",
        text="a path that is none of the contract's is answered 404",
        quote="const url = 'https://api.june.so/api/identify'",
        cases=nowhere,
    )
    types = ("application/json; charset=utf-8", "application/json;charset=UTF-8", "Application/JSON")
    cases = tuple(Case(contract=c, kind=k, about=name, headers=(("Content-Type", name),)) for c, k in kinds for name in types)
    yield Promise(id="http.content-type.accepted", text="application/json is taken with a charset, and in any case", quote=HEADERS, cases=cases)


def _by(method: str, contract: str, kind: str) -> Case:
    """A good payload by another method; a GET has no body to carry it."""
    render = _fixed_text("") if method == "GET" else compact
    return Case(contract=contract, kind=kind, method=method, about=method, wants=Wants.NOT_ALLOWED, payload=minimal(contract, kind)[0], render=render)


def json_texts(contract: str, kinds: Sequence[str]) -> Iterator[Promise]:
    """What is JSON, and what is not."""
    writings: dict[str, Render] = {
        "indented": lambda payload: json.dumps(payload, indent=2).encode(),
        "white space around it": lambda payload: b" \t\r\n" + compact(payload) + b"\r\n \t",
        "members in another order": lambda payload: compact(dict(reversed(payload.items()))),
        "names and texts written with \\u": _in_escapes,
    }
    cases = [Case(contract=contract, kind=kind, about=about, render=render) for kind in kinds for about, render in writings.items()]
    bags = [(kind, name) for kind in kinds for name in ("traits", "properties") if name in plain(contract, kind)]
    cases += [Case(contract=contract, kind=kind, about=f"{name} of 30 KiB", change={name: {"note": "a" * 30_000}}) for kind, name in bags]
    yield Promise(
        id=f"{contract}.json.accepted",
        text="a payload is accepted however its JSON is written",
        quote="// JSON format expected",
        cases=tuple(cases),
    )
    for name, (text, broken) in BROKEN.items():
        yield Promise(
            id=f"{contract}.{name}.refused",
            text=text,
            quote="// JSON format expected",
            cases=tuple(
                Case(contract=contract, kind=kind, about=about, render=render, wants=Wants.REFUSED, payload=minimal(contract, kind)[0])
                for kind in kinds
                for about, render in share(contract, kind, broken.items())
            ),
        )


def _in_escapes(payload: Payload) -> bytes:
    r"""JSON whose texts hold no letter that is not escaped; \u0065 is an e."""

    def written(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ",".join(f"{written(name)}:{written(below)}" for name, below in value.items()) + "}"
        return '"' + "".join(f"\\u{ord(letter):04x}" for letter in value) + '"' if isinstance(value, str) else json.dumps(value)

    return written(payload).encode()


def _ending(end: str) -> Render:
    """The payload with more behind it."""
    return lambda payload: compact(payload) + end.encode()


def _with(member: str) -> Render:
    """The payload with one more member, written by hand."""
    return lambda payload: compact(payload)[:-1] + b"," + member.encode() + b"}"


def _fixed_text(text: str) -> Render:
    return lambda _: text.encode()


NOT_JSON: dict[str, Render] = {
    "no body": _fixed_text(""),
    "blanks": _fixed_text("  \n"),
    "cut short": lambda payload: compact(payload)[:-1],
    "cut short in a text": lambda payload: compact(payload)[: compact(payload).rindex(b'"')],
    "a comma too many": lambda payload: compact(payload)[:-1] + b",}",
    "single quotes": lambda payload: repr(payload).encode(),
    "names without quotes": _with("plan:1"),
    "a comment": lambda payload: b"/* */" + compact(payload),
    "a form": _fixed_text("type=identify&userId=1"),
    "a plain word": _fixed_text("identify"),
    "a line break in a text": _with('"plan":"a\nb"'),
    "an escape that is none": _with('"plan":"\\x41"'),
    "a number with a leading 0": _with('"plan":01'),
    "None": _with('"plan":None'),
}
BROKEN: dict[str, tuple[str, dict[str, Render]]] = {
    "not-json": ("what is no JSON is refused", NOT_JSON),
    "nan": (
        "NaN and Infinity are no JSON: a payload with one is refused",
        {name: _with(f'"plan":{name}') for name in ("NaN", "Infinity", "-Infinity")} | {"NaN in an Object": _with('"plan":{"a":[NaN]}')},
    ),
    "trailing": (
        "what has more after its JSON is refused",
        {
            "two payloads": lambda payload: compact(payload) * 2,
            "two payloads, a line each": lambda payload: compact(payload) + b"\n" + compact(payload) + b"\n",
            **{f"{end!r} at the end": _ending(end) for end in ("}", "]", ",", "x", "null", "\x00", ";")},
        },
    ),
    "encoding": (
        "what is no UTF-8 is refused",
        {
            "Latin-1": lambda payload: compact({**payload, "plan": "\xe9"}).decode().encode("latin-1"),
            "UTF-16": lambda payload: compact(payload).decode().encode("utf-16"),
            "half a letter": lambda payload: compact({**payload, "plan": "\xe9"}).replace(b"\xc3\xa9", b"\xc3"),
            "an overlong letter": lambda payload: compact({**payload, "plan": "\xe9"}).replace(b"\xc3\xa9", b"\xc1\xa1"),
            "a surrogate": lambda payload: compact({**payload, "plan": "\xe9"}).replace(b"\xc3\xa9", b"\xed\xa0\x80"),
        },
    ),
    "not-an-object": (
        "JSON that is no Object is refused",
        {
            "an array of payloads": lambda payload: b"[" + compact(payload) + b"]",
            "JSON in a text": lambda payload: json.dumps(compact(payload).decode()).encode(),
            **{text: _fixed_text(text) for text in ("[]", "null", "true", "1", '""', '"identify"')},
        },
    ),
}
"""What is no payload at all, by the promise that it would break: in each case the good payload is there, and one thing is wrong."""
