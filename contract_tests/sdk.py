"""What the SDK contract promises beyond its payloads: null for what is absent, batches, and what browsers send."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from .answers import REFUSAL, lists_errors_of_messages, pointers
from .breaking import breaking, breaks, examples, minimal, shapes
from .calls import FACTS
from .cases import NONE, Case, Promise, Sent, Wants, compact, refusal_of
from .drawing import draws
from .files import ENVELOPE, KINDS, Payload, schema
from .generator import types_of
from .payloads import refused
from .rules import rules
from .values import ASCII

NULL = "SDKs send `null` for the id and the options they lack, so `null` counts as absent here"
BATCH = 'POST /sdk/batch, {"batch": [...], "sentAt": ...}'
SENT = "2021-02-24T01:19:38.931Z"
MOST = 50_000


def promises(drawn: int, *, any_key: bool) -> Iterator[Promise]:
    """All of them."""
    yield Promise(id="sdk.null.accepted", text="null counts as absent", quote=NULL, cases=tuple(_nulls()))
    yield from _batches(drawn)
    yield from _browser(any_key=any_key)
    packed = tuple(
        Case(contract="sdk", kind=kind, about="gzip", payload=payload, render=gzipped, headers=GZIP)
        for kind, payload in (*((kind, None) for kind in KINDS["sdk"]), (ENVELOPE, envelope(message("track"))))
    )
    yield Promise(id="sdk.gzip.accepted", text="a body may come gzipped", quote=f"{FACTS}: optional `Content-Encoding: gzip`", cases=packed)


GZIP = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))


def gzipped(payload: Payload) -> bytes:
    """JSON, packed; the same bytes each time."""
    return gzip.compress(compact(payload), mtime=0)


def _nulls() -> Iterator[Case]:
    for kind in KINDS["sdk"]:
        nullable = [name for name, asked in schema("sdk", kind)["properties"].items() if "type" not in asked or "null" in types_of(asked)]
        for name in nullable:
            yield Case(contract="sdk", kind=kind, about=f"{name} null", change={name: None})
        for least in minimal("sdk", kind):
            yield Case(contract="sdk", kind=kind, about="null for all that is not needed", payload={**dict.fromkeys(nullable), **least})


def message(kind: str, **members: Any) -> Payload:
    """The plainest message of a kind, as it stands in a batch."""
    return {"type": kind, **minimal("sdk", kind)[0], **members}


def envelope(*messages: Any) -> Payload:
    """A batch of messages."""
    return {"batch": list(messages)}


def batch(payload: Payload, told: str) -> Case:
    """A batch that must be accepted."""
    return Case(contract="sdk", kind=ENVELOPE, about=told, payload=payload)


def bad_batch(payload: Payload, told: str) -> Case:
    """A batch that must be refused."""
    return refused("sdk", ENVELOPE, payload, told)


def _batches(drawn: int) -> Iterator[Promise]:
    typed = [{**shape, "type": kind} for kind in KINDS["sdk"] for shape in shapes("sdk", kind)]
    written = {"messageId": "m-1", "integrations": {}, "anonymousId": None, "userId": "1", "context": {"library": {"name": "june-analytics-python"}}}
    good = [
        batch(envelope(*map(message, KINDS["sdk"])), "a message of each kind"),
        *(batch(envelope(message(kind)), f"one {kind}") for kind in KINDS["sdk"]),
        batch({**envelope(message("track")), "sentAt": SENT}, "with sentAt"),
        replace(batch({**envelope(message("track", **written)), "sentAt": SENT}, "as June's Python SDK sends it"), unless="sdk.null.accepted"),
        batch(envelope(*[message("track")] * 100), "100 messages, the most that June's SDKs send"),
        *(batch(envelope(*each), f"{len(each)} messages") for each in draws(st.lists(st.sampled_from(typed), min_size=1, max_size=5), drawn)),
    ]
    yield Promise(id="sdk.batch.accepted", text="a batch of good messages is accepted", quote=BATCH, cases=tuple(good))
    yield Promise(id="sdk.batch.empty.accepted", text="an empty batch is accepted", quote=BATCH, cases=(batch(envelope(), "no message"),))
    for name, (text, cases) in _envelopes().items():
        yield Promise(id=f"{name}.refused", text=text, quote=schema("sdk", ENVELOPE)["description"], cases=cases)
    yield Promise(
        id="sdk.batch.one-bad-message.refused",
        text="one bad message refuses the whole batch, wherever it stands",
        quote="A batch is one call: any violation refuses the whole",
        cases=tuple(_spoilt(drawn)),
    )
    two = bad_batch(envelope(message("track"), {"type": "track"}, message("page"), {"type": "alias", "userId": "1"}), "the second and the fourth are bad")
    yield Promise(
        id="sdk.batch.pointers",
        text="a refusal of a batch points at the message that is wrong, from /batch/0 on",
        quote=REFUSAL,
        cases=(two,),
        check=pointers,
        watches=True,
        applies=lists_errors_of_messages,
    )


def _envelopes() -> dict[str, tuple[str, tuple[Case, ...]]]:
    """The rules of the envelope, each with what breaks it alone."""
    track = message("track")
    untyped = {name: value for name, value in track.items() if name != "type"}
    tried: list[tuple[Any, str]] = [
        ({}, "nothing"),
        ({"sentAt": SENT}, "sentAt alone"),
        ({"messages": [track]}, "messages"),
        (track, "a message without a batch"),
        *(({"batch": value}, f"batch {json.dumps(value)[:20]}") for value in _any(None, track, {}, "[]", 1)),
        *((envelope(*items), json.dumps(items)[-20:]) for items in _any([None], ["{}"], [[track]], [track, 1])),
        (envelope(untyped), "a message without type"),
        (envelope(track, untyped, track), "the second without type"),
        *((envelope({**track, "type": value}), f"type {json.dumps(value)}") for value in _any(None, 1, ["track"], {})),
        *((envelope({**track, "type": value}), f"type {json.dumps(value)}") for value in ("Track", "TRACK", "event", "batch", "", "track ", "t")),
    ]
    found: dict[str, tuple[str, tuple[Case, ...]]] = {}
    for rule in rules("sdk", ENVELOPE):
        cases = tuple(bad_batch(payload, told) for payload, told in tried if breaks("sdk", ENVELOPE, payload) == {rule.id})
        if rule.keyword == "maxItems":
            cases = (_too_many(rule.id, rule.asked["maxItems"]),)
        if cases:
            found[rule.id] = (TEXTS.get(rule.id, f"a batch that breaks {rule.id} is refused"), cases)
    return found


def _any(*values: Any) -> tuple[Any, ...]:
    return values


TEXTS = {
    "sdk.batch.batch.required": "an envelope without `batch` is refused",
    "sdk.batch.batch.type": "a `batch` that is no array is refused",
    "sdk.batch.batch.items": "a message that is no Object is refused",
    "sdk.batch.batch.maxItems": f"a batch of more than {MOST} messages is refused",
    "sdk.batch.type.required": "a message without `type` is refused in a batch, where no path says it",
    "sdk.batch.type.type": "a message whose `type` is no String is refused",
    "sdk.batch.type.unknown": "a message of no kind is refused",
}


def _too_many(rule: str, most: int) -> Case:
    one = '{"type":"identify","userId":"1"}'
    shell = f"""python3 -c 'import json; print(json.dumps({{"batch": [{one}] * {most + 1}}}))'"""
    body = f'{{"batch":[{",".join([one] * (most + 1))}]}}'.encode()
    return Case(
        contract="sdk",
        kind=ENVELOPE,
        about=f"{most + 1} messages",
        wants=Wants.REFUSED,
        payload={},
        render=lambda _: body,
        breaks=frozenset({rule}),
        shell=shell,
    )


def _spoilt(drawn: int) -> Iterator[Case]:
    """Good messages around a bad one: of each kind, in each place."""
    good = message("identify")
    for kind in KINDS["sdk"]:
        bad = [
            {**payload, "type": kind}
            for rule in rules("sdk", kind)
            if rule.keyword in {"required", "type"}
            for payload in examples(rule)[:1]
            if rule.path != ("type",)
        ]
        for place, each in enumerate(bad[:3]):
            messages = [good, good]
            messages.insert(place, each)
            yield _told_once(bad_batch(envelope(*messages), f"a bad {kind} at {place}"))
    broken = [_typed(breaking(rule, ASCII), kind) for kind in KINDS["sdk"] for rule in rules("sdk", kind) if rule.path != ("type",)]
    for each in draws(st.one_of(*broken), drawn):
        yield _told_once(bad_batch(envelope(good, each, good), f"a bad {each['type']} in the middle"))


def _told_once(case: Case) -> Case:
    """The case, unless it is known already that the server does not know the rule."""
    return replace(case, unless=refusal_of("sdk", min(case.breaks)))


def _typed(payloads: st.SearchStrategy[Payload], kind: str) -> st.SearchStrategy[Payload]:
    return payloads.map(lambda payload: {**payload, "type": kind})


def _browser(*, any_key: bool) -> Iterator[Promise]:
    """The browser half of June's SDK has no header to put its key in, and asks first."""
    quote = f"{FACTS}: no `Authorization`; `writeKey` lies in the body; a CORS preflight comes first"
    kinds = KINDS["sdk"]
    told = "the key in the body's writeKey"
    yield Promise(
        id="sdk.write-key.accepted",
        text="without Authorization, the API key is taken from the body's `writeKey`",
        quote=quote,
        cases=(
            *(Case(contract="sdk", kind=kind, about=told, auth=NONE, write_key=str) for kind in kinds),
            Case(contract="sdk", kind=ENVELOPE, about=told, payload=envelope(message("track")), auth=NONE, write_key=str),
        ),
    )
    yield Promise(
        id="sdk.write-key.refused",
        text="a wrong `writeKey` is answered 401",
        quote=quote,
        cases=tuple(
            Case(contract="sdk", kind=kind, about=about, wants=Wants.UNAUTHORIZED, payload=message(kind), auth=NONE, write_key=spoil)
            for kind in kinds
            for about, spoil in (("the key and an x", lambda key: f"{key}x"), ("no key", lambda _: ""))
        ),
        skip="with --any-key there is no wrong key" if any_key else "",
        unless=("auth.no-key.refused",),
    )
    yield Promise(
        id="sdk.browser-paths.accepted",
        text="browsers send batches to /sdk/b and their counters to /sdk/m",
        quote=f"{FACTS}: with batching POST https://{{apiHost}}/b; performance counters to {{apiHost}}/m",
        cases=(
            Case(contract="sdk", kind=ENVELOPE, about="a batch", elsewhere="/sdk/b", payload=envelope(message("page")), auth=NONE, write_key=str),
            Case(contract="sdk", kind=ENVELOPE, about="counters", elsewhere="/sdk/m", payload={"series": []}, auth=NONE, write_key=str),
        ),
    )
    yield Promise(
        id="sdk.preflight.accepted",
        text="a browser's preflight is answered, and lets its call come",
        quote=quote,
        cases=tuple(
            Case(
                contract="sdk",
                kind=kind,
                about="OPTIONS",
                method="OPTIONS",
                wants=Wants.PREFLIGHT,
                payload={},
                render=lambda _: b"",
                headers=PREFLIGHT,
                auth=NONE,
            )
            for kind in (*kinds, ENVELOPE)
        ),
        check=lets_come,
    )


PREFLIGHT = (("Origin", "https://app.example.com"), ("Access-Control-Request-Method", "POST"), ("Access-Control-Request-Headers", "content-type"))


def lets_come(sent: Sent) -> str | None:
    """What a browser asks of a preflight's answer."""
    answer = sent.answer
    if not 200 <= answer.status < 300:
        return f"wanted a 2xx, came {answer.shown}"
    if answer.headers.get("access-control-allow-origin") not in {"*", "https://app.example.com"}:
        return f"Access-Control-Allow-Origin lets no page of another origin in: {answer.headers.get('access-control-allow-origin', 'none')}"
    allowed = {name.strip().lower() for name in answer.headers.get("access-control-allow-headers", "").split(",")}
    return None if allowed & {"*", "content-type"} else "Access-Control-Allow-Headers does not let Content-Type through"
