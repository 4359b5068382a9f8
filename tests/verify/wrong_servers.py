"""Servers that are right but for one thing, each with the promises that it breaks. Asked without a socket."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Any

import httpx

from mock_june.contract import Engine
from mock_june.journal import Journal
from mock_june.model import Endpoint, Violation
from mock_june.server import answers
from mock_june.server.answers import Answer
from mock_june.server.auth import Keys
from mock_june.server.ingest import Ingest, Request
from mock_june.server.routes import endpoint_of
from mock_june.server.state import Mock

KEY = "june_test_key"
URL = "http://127.0.0.1:5863"
ENGINE = Engine()


@dataclass(frozen=True)
class Asked:
    """One request, and what the fake answers."""

    request: Request
    right: Answer
    count: int = 0

    @cached_property
    def payload(self) -> dict[str, Any]:
        """The body as Python reads it, an Object or nothing."""
        try:
            value = json.loads(self.request.body or b"")
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def endpoint(self) -> Endpoint:
        """What the path is for."""
        endpoint = endpoint_of(self.request.path)
        assert endpoint is not None
        return endpoint

    @property
    def kind(self) -> str:
        """The path without its slash at the front, such as `api/track`."""
        return self.request.path[1:]

    @property
    def ok(self) -> bool:
        """Whether the fake accepts it."""
        return self.right.status == 200

    def less(self, gone: Callable[[Violation], bool]) -> Answer:
        """The answer of a server that does not see some violations."""
        if self.right.code not in {"invalid_payload", "invalid_json"}:
            return self.right
        left = [each for each in ENGINE.check(self.request.body or b"", self.endpoint).violations if not gone(each)]
        return refusal(left) if left else answers.SUCCESS

    def blind(self, rule: str, when: bool = True) -> Answer:
        """The answer of a server that does not know a rule."""
        return self.less(lambda each: each.rule == rule) if when else self.right

    def refused(self, when: bool, rule: str = "track.event.type", pointer: str = "/event") -> Answer:
        """The answer of a server that refuses some good payloads."""
        return refusal([Violation(rule, pointer, "no", "no")]) if self.ok and self.request.method == "POST" and when else self.right

    def with_body(self, body: Any, when: bool = True) -> Answer:
        """The right status with another body."""
        return replace(self.right, body=body if isinstance(body, bytes) else json.dumps(body).encode()) if when else self.right

    def edited(self, **members: Any) -> Answer:
        """The refusal with other members; None: without."""
        body = json.loads(self.right.body) | members
        return self.with_body({name: value for name, value in body.items() if value is not None}, self.right.code is not None)


def refusal(violations: list[Violation]) -> Answer:
    """A refusal of the fake's."""
    return answers.refusal(400, "invalid_payload", "no", violations)


Change = Callable[[Asked], Answer]


@cache
def fake() -> Ingest:
    """The fake that all of them are but for one change. Nothing is recorded: `judge` does no such thing."""
    return Ingest(Mock(ENGINE, Journal.open(None), Keys([KEY])))


class Server(httpx.BaseTransport):
    """The fake with its rules and its key, but for one change."""

    def __init__(self, change: Change = lambda asked: asked.right) -> None:
        self.change = change
        self.count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One request, answered by the change."""
        self.count += 1
        headers = [(name.decode().lower(), value.decode()) for name, value in request.headers.raw]
        asked = Request(request.method, request.url.path, request.url.query.decode(), headers, request.read())
        answer = self.change(Asked(asked, fake().judge(asked).answer, self.count))
        return httpx.Response(answer.status, headers=list(answer.headers), stream=httpx.ByteStream(answer.body))


@dataclass(frozen=True)
class Wrong:
    """A server that is wrong in one thing; `breaks` are the promises that it breaks, no more and no less."""

    name: str
    breaks: frozenset[str]
    change: Change
    sdk: bool = False


def keyed(asked: Asked, value: str) -> Answer:
    """What is answered when `Authorization` is read as another one."""
    headers = [(name, each) for name, each in asked.request.headers if name != "authorization"]
    return fake().judge(replace(asked.request, headers=[*headers, ("authorization", value)])).answer


def authorization(asked: Asked) -> str:
    return asked.request.header("authorization")


def decoded(asked: Asked) -> str:
    """What base64 there is in `Authorization`, decoded."""
    try:
        return base64.b64decode(authorization(asked).partition(" ")[2], validate=True).decode()
    except ValueError:
        return ""


def stamp(asked: Asked) -> str:
    value = asked.payload.get("timestamp")
    return value if isinstance(value, str) else ""


def bag(asked: Asked) -> dict[str, Any]:
    value = asked.payload.get("traits")
    return value if isinstance(value, dict) else {}


def texts(value: Any) -> Iterator[str]:
    """All texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for below in value.values():
            yield from texts(below)
    elif isinstance(value, list):
        for below in value:
            yield from texts(below)


def lax_stamp(pattern: str) -> Change:
    """A server whose timestamps may also be of this form."""
    return lambda asked: asked.blind("track.timestamp.pattern", re.fullmatch(pattern, stamp(asked), re.DOTALL) is not None)


def strict_stamp(pattern: str) -> Change:
    """A server that takes no timestamp of this form."""
    return lambda asked: asked.refused(asked.kind == "api/track" and re.fullmatch(pattern, stamp(asked)) is not None, "track.timestamp.pattern", "/timestamp")


WRONG: list[Wrong] = []


def wrong(name: str, *breaks: str, sdk: bool = False) -> Callable[[Change], Change]:
    """Adds a server to the list."""

    def added(change: Change) -> Change:
        WRONG.append(Wrong(name, frozenset(breaks), change, sdk))
        return change

    return added


# timestamps
PATTERN = "backfill.track.timestamp.pattern.refused"
STAMP = "backfill.track.timestamp.accepted"
for _name, _pattern in {
    "takes +02:00": r".*T.*\+02:00",
    "takes no zone at all": r"[0-9-]+T[0-9:.]+",
    "takes 30 February": r"....-02-30T.*",
    "takes 29 February 1900": r"1900-02-29T.*",
    "takes a line break at the end": r".*Z\n",
    "takes the year 0": r"0000-.*",
    "takes a small z": r".*z",
    "takes a blank for the T": r"[0-9-]+ .*",
    "takes -00:00": r".*-00:00",
    "takes 24:00:00": r".*T24:00:00Z",
    "takes a leap second": r".*T23:59:60Z",
    "takes +0000": r".*\+0000",
    "takes minutes without seconds": r".*T[0-9]{2}:[0-9]{2}Z",
    "takes a comma before the fraction": r".*,[0-9]+Z",
    "takes a date alone": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "takes digits of other alphabets": r"(?a:.*[^\x00-\x7f].*)",
    "takes month 13": r"....-13-.*",
    "takes 31 April": r"....-04-31.*",
    "takes epoch seconds as text": r"[0-9]+",
    "takes five digits of year": r"[0-9]{5}-.*",
}.items():
    wrong(_name, PATTERN)(lax_stamp(_pattern))
for _name, _pattern in {
    "refuses Z without a fraction": r".*T[0-9:]+Z",
    "refuses +00:00": r".*\+00:00",
    "refuses 29 February 2000": r"2000-02-29T.*",
    "refuses leap days": r"....-02-29T.*",
    "refuses fractions of more than 3 digits": r".*\.[0-9]{4,}(Z|\+00:00)",
    "refuses fractions of 1 digit": r".*\.[0-9]Z",
    "refuses what was before 1970": r"(0|1[0-8]|19[0-6]).*",
    "refuses the year 9999": r"9999.*",
    "refuses the year 1": r"0001.*",
    "refuses the 31st": r".*-31T.*",
}.items():
    wrong(_name, STAMP)(strict_stamp(_pattern))
wrong("does not look at timestamps when there is an anonymousId", PATTERN)(lambda asked: asked.blind("track.timestamp.pattern", "anonymousId" in asked.payload))
wrong("takes epoch seconds", "backfill.track.timestamp.type.refused")(
    lambda asked: asked.blind("track.timestamp.type", type(asked.payload.get("timestamp")) is int)
)


# ids, texts, types
@wrong("takes a number for the userId", "backfill.identify.userId.type.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("identify.userId.type", isinstance(asked.payload.get("userId"), int | float))


@wrong("takes a number for the userId of all kinds", *(f"backfill.{kind}.userId.type.refused" for kind in ("identify", "group", "track")))
def _(asked: Asked) -> Answer:
    return asked.less(lambda each: each.rule.endswith("userId.type") and isinstance(asked.payload.get("userId"), int | float))


@wrong("takes an empty userId", "backfill.group.userId.minLength.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("group.userId.minLength")


@wrong("takes null for the email", "backfill.track.email.type.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("track.email.type", asked.payload.get("email", "") is None)


@wrong("wants an address for an email", "backfill.track.email.accepted", "backfill.track.sample.accepted")
def _(asked: Asked) -> Answer:
    email = asked.payload.get("email")
    return asked.refused(asked.kind == "api/track" and isinstance(email, str) and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email) is None)


@wrong("wants an email beside the anonymousId", "backfill.track.email.optional.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/track" and "email" not in asked.payload, "track.email.required", "/email")


@wrong("wants an email or a userId beside the anonymousId", "backfill.track.minimal.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/track" and not {"email", "userId"} & set(asked.payload))


@wrong("asks for no email", "backfill.track.email.required.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("track.email.required")


@wrong("refuses an anonymousId without a userId", "backfill.identify.userId.optional.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/identify" and "userId" not in asked.payload, "identify.userId.required", "/userId")


@wrong("refuses both ids at once", "backfill.identify.all-members.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/identify" and {"userId", "anonymousId"} <= set(asked.payload))


@wrong("lets an empty anonymousId excuse the userId", "backfill.identify.anonymousId.no-excuse.refused")
def _(asked: Asked) -> Answer:
    return asked.less(lambda each: asked.kind == "api/identify" and asked.payload.get("anonymousId") == "" and "userId" not in asked.payload)


@wrong("lets the anonymousId excuse the userId of a group", "backfill.group.userId.required.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("group.userId.required", "anonymousId" in asked.payload)


@wrong("reads names of members in any case", "backfill.group.groupId.required.refused", "backfill.group.userId.required.refused")
def _(asked: Asked) -> Answer:
    names = {name.lower() for name in asked.payload}
    return asked.less(lambda each: each.rule in {f"group.{name}.required" for name in ("groupId", "userId") if name.lower() in names})


@wrong("asks for no userId", "backfill.identify.userId.required.refused")
def _(asked: Asked) -> Answer:
    return asked.less(lambda each: each.rule == "identify.userId.required" and "anonymousId" not in asked.payload)


@wrong("takes arrays for traits", "backfill.group.traits.type.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("group.traits.type", isinstance(asked.payload.get("traits"), list))


@wrong("takes null for traits", "backfill.identify.traits.type.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("identify.traits.type", asked.payload.get("traits", 0) is None)


@wrong("wants traits", "backfill.group.traits.optional.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/group" and "traits" not in asked.payload)


@wrong("refuses traits that nest", "backfill.identify.traits.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/identify" and any(isinstance(value, dict) for value in bag(asked).values()))


@wrong("refuses null within traits", "backfill.group.traits.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/group" and "null" in json.dumps(list(bag(asked).values())))


@wrong("refuses members that it does not know", "backfill.other-members.accepted")
def _(asked: Asked) -> Answer:
    known = {"type", "userId", "anonymousId", "groupId", "traits", "event", "timestamp", "email", "properties", "context"}
    return asked.refused(not set(asked.payload) <= known - ({"anonymousId"} if asked.kind == "api/group" else set()))


@wrong("refuses long event names", "backfill.track.event.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(len(str(asked.payload.get("event"))) > 255)


@wrong("takes the id 0 for none", "backfill.group.groupId.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.payload.get("groupId") == "0", "group.groupId.required", "/groupId")


# type
@wrong("takes the type in any case", "backfill.track.type.const.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("track.type.const", str(asked.payload.get("type")).lower() == "track")


@wrong("asks for no type", "backfill.group.type.required.refused")
def _(asked: Asked) -> Answer:
    return asked.blind("group.type.required")


@wrong("does not look at the type", *(f"backfill.identify.type.{rule}.refused" for rule in ("const", "type")))
def _(asked: Asked) -> Answer:
    return asked.less(lambda each: each.rule in {"identify.type.const", "identify.type.type"})


# JSON
@wrong("takes NaN", "backfill.nan.refused")
def _(asked: Asked) -> Answer:
    return answers.SUCCESS if asked.right.code == "invalid_json" and re.search(rb"NaN|Infinity", asked.request.body or b"") else asked.right


@wrong("takes what stands behind the JSON", "backfill.trailing.refused")
def _(asked: Asked) -> Answer:
    try:
        value, end = json.JSONDecoder().raw_decode((asked.request.body or b"").decode())
    except ValueError:
        return asked.right
    whole = asked.right.code == "invalid_json" and end < len(asked.request.body or b"") and isinstance(value, dict)
    return answers.SUCCESS if whole and b"NaN" not in (asked.request.body or b"") else asked.right


@wrong("takes Latin-1", "backfill.encoding.refused")
def _(asked: Asked) -> Answer:
    body = asked.request.body or b""
    try:
        body.decode()
    except UnicodeDecodeError:
        return answers.SUCCESS if b"\xe9" in body and b"\x00" not in body and asked.right.status == 400 else asked.right
    return asked.right


@wrong("takes an array of payloads", "backfill.not-an-object.refused")
def _(asked: Asked) -> Answer:
    body = asked.request.body or b""
    return answers.SUCCESS if asked.right.status == 400 and body.startswith(b"[{") and body.endswith(b"}]") else asked.right


@wrong("takes an empty body", "backfill.not-json.refused")
def _(asked: Asked) -> Answer:
    return answers.SUCCESS if asked.right.status == 400 and asked.request.body == b"" else asked.right


@wrong("fails on what is no JSON", "backfill.not-json.refused", "backfill.nan.refused", "backfill.trailing.refused", "backfill.encoding.refused")
def _(asked: Asked) -> Answer:
    return replace(asked.right, status=500) if asked.right.code == "invalid_json" else asked.right


@wrong("fails on letters beyond ASCII", "backfill.unicode.accepted")
def _(asked: Asked) -> Answer:
    return (
        Answer(500, b"Internal Server Error") if asked.ok and not all(text.isascii() and text.isprintable() for text in texts(asked.payload)) else asked.right
    )


@wrong("refuses white space around the JSON", "backfill.json.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused((asked.request.body or b"").strip() != asked.request.body)


@wrong("refuses a charset", "http.content-type.accepted")
def _(asked: Asked) -> Answer:
    return answers.refusal(415, "unsupported_media_type", "no") if asked.ok and "charset" in asked.request.header("content-type") else asked.right


# methods, paths
@wrong("takes GET", "http.method.refused")
def _(asked: Asked) -> Answer:
    return answers.SUCCESS if asked.request.method == "GET" else asked.right


@wrong("takes PUT", "http.method.refused")
def _(asked: Asked) -> Answer:
    return answers.SUCCESS if asked.request.method == "PUT" else asked.right


@wrong("says nothing of Allow", "answer.allow")
def _(asked: Asked) -> Answer:
    return replace(asked.right, headers=answers.JSON) if asked.right.status == 405 else asked.right


@wrong("takes any path", "http.path.refused")
def _(asked: Asked) -> Answer:
    return answers.SUCCESS if asked.right.status == 404 else asked.right


@wrong("has no group", "backfill.group.sample.accepted")
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "api/group")


# who calls
@wrong("asks for no key", "auth.no-key.refused")
def _(asked: Asked) -> Answer:
    return keyed(asked, f"Basic {KEY}") if asked.right.status == 401 else asked.right


@wrong("takes any key", "auth.wrong-key.refused")
def _(asked: Asked) -> Answer:
    return (
        keyed(asked, f"Basic {KEY}")
        if asked.right.status == 401 and len(authorization(asked)) > 10 and authorization(asked).startswith("Basic ")
        else asked.right
    )


@wrong("takes the key of any scheme", "auth.other-scheme.refused")
def _(asked: Asked) -> Answer:
    return keyed(asked, f"Basic {KEY}") if authorization(asked).partition(" ")[2] == KEY else asked.right


@wrong("takes a key that only begins like the right one", "auth.wrong-key.refused")
def _(asked: Asked) -> Answer:
    return keyed(asked, f"Basic {KEY}") if authorization(asked).startswith(f"Basic {KEY}") else asked.right


def unauthorized(asked: Asked, when: bool) -> Answer:
    return keyed(asked, "Basic not-the-key") if when else asked.right


@wrong("takes the key in base64 alone", "auth.key.accepted", "auth.scheme-case.accepted")
def _(asked: Asked) -> Answer:
    return unauthorized(asked, authorization(asked).endswith(KEY))


@wrong("takes no base64 of key:", "auth.base64-colon.accepted")
def _(asked: Asked) -> Answer:
    return unauthorized(asked, decoded(asked) == f"{KEY}:")


@wrong("takes no base64 of key", "auth.base64.accepted")
def _(asked: Asked) -> Answer:
    return unauthorized(asked, decoded(asked) == KEY)


@wrong("wants a capital B", "auth.scheme-case.accepted")
def _(asked: Asked) -> Answer:
    return unauthorized(asked, not authorization(asked).startswith("Basic"))


@wrong("gives no challenge", "answer.challenge")
def _(asked: Asked) -> Answer:
    return replace(asked.right, headers=answers.JSON) if asked.right.status == 401 else asked.right


@wrong("answers 403 where 401 is due", "auth.no-key.refused")
def _(asked: Asked) -> Answer:
    return answers.refusal(403, "forbidden", "no") if asked.right.status == 401 else asked.right


# answers
@wrong("answers 201", "answer.success.status")
def _(asked: Asked) -> Answer:
    return replace(asked.right, status=201) if asked.ok else asked.right


@wrong("answers 202 to groups", "answer.success.status")
def _(asked: Asked) -> Answer:
    return replace(asked.right, status=202) if asked.ok and asked.kind == "api/group" else asked.right


@wrong('says success "true"', "answer.success.body")
def _(asked: Asked) -> Answer:
    return asked.with_body({"status": 200, "success": "true"}, asked.ok)


@wrong("says success 1", "answer.success.body")
def _(asked: Asked) -> Answer:
    return asked.with_body({"status": 200, "success": 1}, asked.ok)


@wrong("says nothing", "answer.success.body")
def _(asked: Asked) -> Answer:
    return asked.with_body(b"", asked.ok)


@wrong("calls JSON text", "answer.success.type")
def _(asked: Asked) -> Answer:
    return replace(asked.right, headers=(("content-type", "text/html"),)) if asked.ok else asked.right


@wrong("answers 422", "answer.refusal.status")
def _(asked: Asked) -> Answer:
    return replace(asked.edited(status=422), status=422) if asked.right.status == 400 else asked.right


@wrong("refuses in HTML", "answer.refusal.shape")
def _(asked: Asked) -> Answer:
    return Answer(400, b"<h1>Bad Request</h1>", (("content-type", "text/html"),)) if asked.right.status == 400 else asked.right


@wrong("has Flask's page for 404", "answer.refusal.shape")
def _(asked: Asked) -> Answer:
    return Answer(404, b"<!doctype html>", (("content-type", "text/html"),)) if asked.right.status == 404 else asked.right


@wrong("lists no errors", "answer.refusal.shape")
def _(asked: Asked) -> Answer:
    return asked.edited(errors=[], errors_total=0) if asked.right.status == 400 else asked.right


@wrong("counts errors wrongly", "answer.refusal.shape")
def _(asked: Asked) -> Answer:
    return asked.edited(errors_total=99) if asked.right.status == 400 else asked.right


@wrong("has no message", "answer.refusal.shape")
def _(asked: Asked) -> Answer:
    return asked.edited(message=None)


@wrong("has a message of two lines", "answer.refusal.shape")
def _(asked: Asked) -> Answer:
    return asked.edited(message="a\nb")


@wrong("calls all refusals bad_request", "answer.refusal.code")
def _(asked: Asked) -> Answer:
    return asked.edited(code="bad_request")


@wrong("names the first broken rule alone", "answer.refusal.rules")
def _(asked: Asked) -> Answer:
    return asked.edited(errors=json.loads(asked.right.body)["errors"][:1], errors_total=1) if asked.right.status == 400 else asked.right


@wrong("points at the payload alone", "answer.refusal.pointers")
def _(asked: Asked) -> Answer:
    if asked.right.status != 400:
        return asked.right
    return asked.edited(errors=[each | {"pointer": ""} for each in json.loads(asked.right.body)["errors"]])


@wrong("points with dots", "answer.refusal.pointers")
def _(asked: Asked) -> Answer:
    if asked.right.status != 400:
        return asked.right
    return asked.edited(errors=[each | {"pointer": each["pointer"].replace("/", ".")} for each in json.loads(asked.right.body)["errors"]])


# the SDK contract
@wrong("takes no null", "sdk.null.accepted", sdk=True)
def _(asked: Asked) -> Answer:
    messages = asked.payload.get("batch", [asked.payload])
    return asked.refused(
        asked.kind.startswith("sdk/") and isinstance(messages, list) and any(None in each.values() for each in messages if isinstance(each, dict))
    )


@wrong("wants the type of a page", "sdk.page.type.optional.accepted", sdk=True)
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "sdk/page" and bool(asked.payload) and "type" not in asked.payload)


@wrong("takes UTC alone", "sdk.track.timestamp.accepted", sdk=True)
def _(asked: Asked) -> Answer:
    return asked.refused(asked.kind == "sdk/track" and re.fullmatch(r".*([zZ]|\+00:00)", stamp(asked) or "Z") is None)


@wrong("takes the good part of a batch", "sdk.batch.one-bad-message.refused", sdk=True)
def _(asked: Asked) -> Answer:
    rules = {each.rule for each in ENGINE.check(asked.request.body or b"", asked.endpoint).violations} if asked.kind == "sdk/batch" else set()
    mended = rules and not any(rule.startswith(("sdk.batch.", "body.")) for rule in rules) and len(asked.payload["batch"]) > 1
    return answers.SUCCESS if mended and asked.right.status == 400 and len(rules) == 1 else asked.right


@wrong("points from the message on in a batch", "sdk.batch.pointers", sdk=True)
def _(asked: Asked) -> Answer:
    if asked.right.status != 400 or asked.kind != "sdk/batch":
        return asked.right
    return asked.edited(errors=[each | {"pointer": re.sub(r"^/batch/\d+", "", each["pointer"])} for each in json.loads(asked.right.body)["errors"]])


@wrong("counts messages from 1", "sdk.batch.pointers", sdk=True)
def _(asked: Asked) -> Answer:
    if asked.right.status != 400 or asked.kind != "sdk/batch":
        return asked.right
    one_more = [each | {"pointer": re.sub(r"\d+", lambda found: str(int(found[0]) + 1), each["pointer"])} for each in json.loads(asked.right.body)["errors"]]
    return asked.edited(errors=one_more)


@wrong("takes a message of no kind", "sdk.batch.type.unknown.refused", sdk=True)
def _(asked: Asked) -> Answer:
    return asked.blind("sdk.batch.type.unknown") if asked.kind == "sdk/batch" else asked.right


@wrong("takes any number of messages", "sdk.batch.batch.maxItems.refused", sdk=True)
def _(asked: Asked) -> Answer:
    return asked.blind("sdk.batch.batch.maxItems") if len(asked.request.body or b"") > 10**6 else asked.right


@wrong("refuses an empty batch", "sdk.batch.empty.accepted", sdk=True)
def _(asked: Asked) -> Answer:
    return asked.refused(asked.payload.get("batch") == [])


@wrong("reads no gzip", "sdk.gzip.accepted", sdk=True)
def _(asked: Asked) -> Answer:
    return answers.refusal(415, "unsupported_media_type", "no") if asked.ok and asked.request.header("content-encoding") else asked.right


@wrong("knows no writeKey", "sdk.write-key.accepted", "sdk.browser-paths.accepted", sdk=True)
def _(asked: Asked) -> Answer:
    return unauthorized(asked, asked.ok and not authorization(asked) and asked.request.method == "POST")


@wrong("answers no preflight", "sdk.preflight.accepted", sdk=True)
def _(asked: Asked) -> Answer:
    return answers.refusal(405, "method_not_allowed", "no", headers=(("allow", "POST"),)) if asked.request.method == "OPTIONS" else asked.right


@wrong("lets previousId be left out", "sdk.alias.previousId.required.refused", sdk=True)
def _(asked: Asked) -> Answer:
    return asked.blind("sdk.alias.previousId.required") if asked.kind == "sdk/alias" else asked.right
