"""Any order of calls, faults, resets and questions over HTTP, beside a model of a page."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from tests.attacks.harness import GROUP, IDENTIFY, TRACK
from tests.attacks.servers import SLOW, flask_alone, in_thread

KEYS = ("a-key-of-alice", "a-key-of-bob")
WHOSE = st.sampled_from([*KEYS, None])
PAYLOADS: dict[str, dict[str, Any]] = {"track": TRACK, "identify": IDENTIFY, "group": GROUP}
PLANS = st.fixed_dictionaries(
    {"status": st.sampled_from([429, 503])},
    optional={
        "times": st.sampled_from([1, 2, None]),
        "after": st.integers(1, 3),
        "kind": st.sampled_from(list(PAYLOADS)),
        "path": st.sampled_from(["/api/*", "/sdk/*", "*track"]),
        "when": st.sampled_from(["before", "after"]),
        "probability": st.sampled_from([0, 1]),
    },
)


@dataclass
class Planned:
    """A fault, and what is left of it."""

    id: int
    key: str | None
    said: dict[str, Any]
    struck: int = 0
    through: int = field(init=False)

    def __post_init__(self) -> None:
        self.through = self.said.get("after", 0)

    def meets(self, key: str, kind: str, prefix: str) -> bool:
        """Whether a call is one of those that the fault is planned for."""
        paths = {"/api/*": prefix == "/api", "/sdk/*": prefix == "/sdk", "*track": kind == "track"}
        return self.key in {None, key} and self.said.get("kind", kind) == kind and paths.get(self.said.get("path", ""), True)

    def strikes(self) -> bool:
        """Counts a call that came to the fault."""
        if self.through:
            self.through -= 1
            return False
        self.struck += self.said.get("probability", 1)
        return bool(self.said.get("probability", 1))

    @property
    def spent(self) -> bool:
        """Whether it has struck as often as it may."""
        return self.said.get("times", 1) is not None and self.struck >= self.said.get("times", 1)


@dataclass
class Sent:
    """A call as it should be on record. `key` None: it had none that is taken."""

    id: int
    key: str | None
    kind: str
    status: int
    accepted: bool
    fault: int | None


class Control(RuleBasedStateMachine):
    """What a key sees is what was sent with it, and what was planned for it; without a key everything is seen."""

    http: httpx.Client

    def __init__(self) -> None:
        super().__init__()
        self.ask("POST", "/_mock/reset")
        self.sent: list[Sent] = []
        self.planned: list[Planned] = []
        self.last = self.ask("GET", "/_mock/health")["last_call"]

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> Any:
        """The JSON of a control request, which must be answered 200."""
        headers = {} if key is None else {"Authorization": f"Basic {key}"}
        answer = self.http.request(method, path, headers=headers, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @rule(key=st.sampled_from([*KEYS, "a-stranger", None]), kind=st.sampled_from(list(PAYLOADS)), prefix=st.sampled_from(["/api", "/sdk"]), good=st.booleans())
    def send(self, key: str | None, kind: str, prefix: str, good: bool) -> None:
        """A call is answered as the first fault that strikes wants it, else honestly."""
        payload = PAYLOADS[kind] if good else {**PAYLOADS[kind], "userId": 1}
        known = key if key in KEYS else None
        fault = None if known is None else next((each for each in self.planned if each.meets(known, kind, prefix) and each.strikes()), None)
        honest = 401 if known is None else 200 if good else 400
        status = honest if fault is None else fault.said["status"]
        accepted = honest == 200 and (fault is None or fault.said.get("when") == "after")
        self.planned = [each for each in self.planned if not each.spent]
        headers = {} if key is None else {"Authorization": f"Basic {key}"}
        assert self.http.post(f"{prefix}/{kind}", json=payload, headers=headers).status_code == status
        self.last += 1
        self.sent.append(Sent(self.last, known, kind, status, accepted, None if fault is None else fault.id))

    @rule(key=WHOSE, faults=st.lists(PLANS, min_size=1, max_size=2))
    def plan(self, key: str | None, faults: list[dict[str, Any]]) -> None:
        """Faults are planned in their order, behind those that are there."""
        given = self.ask("POST", "/_mock/faults", key, json=faults)["faults"]
        self.planned += [Planned(each["id"], key, said) for each, said in zip(given, faults, strict=True)]

    @rule(key=WHOSE, fault=st.sampled_from([{"status": 200}, {"times": 1}, {"status": 503, "nonsense": 1}, []]))
    def plan_nonsense(self, key: str | None, fault: Any) -> None:
        """Of a list with one fault that is none, nothing is planned."""
        headers = {} if key is None else {"Authorization": f"Basic {key}"}
        answer = self.http.post("/_mock/faults", json=[{"status": 503}, fault] if fault else fault, headers=headers)
        assert answer.status_code == 400

    @rule(key=WHOSE)
    def clear_faults(self, key: str | None) -> None:
        """A key forgets its own faults, without one all are forgotten."""
        left = [each for each in self.planned if key is not None and each.key != key]
        assert self.ask("DELETE", "/_mock/faults", key) == {"deleted": len(self.planned) - len(left)}
        self.planned = left

    @rule(key=WHOSE)
    def delete(self, key: str | None) -> None:
        """Calls alone go."""
        left = [each for each in self.sent if key is not None and each.key != key]
        assert self.ask("DELETE", "/_mock/calls", key) == {"deleted": len(self.sent) - len(left)}
        self.sent = left

    @rule(key=WHOSE)
    def reset(self, key: str | None) -> None:
        """Calls and faults go."""
        assert self.ask("POST", "/_mock/reset", key) == {"status": "ok"}
        self.sent = [each for each in self.sent if key is not None and each.key != key]
        self.planned = [each for each in self.planned if key is not None and each.key != key]

    @precondition(lambda self: self.sent)
    @rule(key=WHOSE, kind=st.sampled_from([*PAYLOADS, None]), accepted=st.sampled_from([True, False, None]), limit=st.integers(1, 3))
    def page(self, key: str | None, kind: str | None, accepted: bool | None, limit: int) -> None:
        """Page by page each call and each event that matches comes once, in order."""
        asked = {"kind": kind, "accepted": None if accepted is None else str(accepted).lower(), "limit": limit}
        wanted = [each for each in self.seen(key) if kind in {None, each.kind} and accepted in {None, each.accepted}]
        # A call that nobody may make is not looked into: it has no events, and so no kind.
        looked = [each.id for each in wanted if each.status != 401]
        for name, numbers in (("calls", [each.id for each in wanted] if kind is None else looked), ("events", looked)):
            found: list[int] = []
            cursor: int | None = 0
            while cursor is not None:
                some = self.ask("GET", f"/_mock/{name}", key, params={**{k: v for k, v in asked.items() if v is not None}, "after": cursor})
                found += [each["id" if name == "calls" else "call"] for each in some[name]]
                cursor = some["next"]
            assert found == numbers

    def seen(self, key: str | None) -> list[Sent]:
        """What a key may see."""
        return [each for each in self.sent if key in {None, each.key}]

    @invariant()
    def same(self) -> None:
        """The record, its counts and the plan are the model's."""
        for key in (*KEYS, None):
            calls = self.ask("GET", "/_mock/calls", key, params={"limit": 1000})["calls"]
            found = [(call["id"], call["status"], call["accepted"], call["fault"] and call["fault"]["id"]) for call in calls]
            assert found == [(each.id, each.status, each.accepted, each.fault) for each in self.seen(key)]
            health = self.ask("GET", "/_mock/health", key)
            assert (health["calls"], health["rejected"]) == (len(calls), sum(not each.accepted for each in self.seen(key)))
            faults = self.ask("GET", "/_mock/faults", key)["faults"]
            planned = [each for each in self.planned if key is None or each.key in {None, key}]
            assert [(fault["id"], fault["struck"]) for fault in faults] == [(each.id, each.struck) for each in planned]


@pytest.mark.parametrize("face", [in_thread, flask_alone])
def test_the_control_api_is_as_its_model(face):
    """Whatever is sent, planned, forgotten and asked in whatever order, each key sees its own and no other's."""
    with contextlib.ExitStack() as stack:
        target = stack.enter_context(face(keys=KEYS))
        Control.http = stack.enter_context(httpx.Client(base_url=target.url, timeout=20))
        run_state_machine_as_test(Control, settings=settings(max_examples=500 if SLOW else 12, stateful_step_count=20))
