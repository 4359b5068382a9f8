"""Planned misbehaviour: what a fault may say, which call it meets, and what the client sees of it."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from typing import Any

import pytest

from mock_june import wire
from mock_june.errors import UsageError
from mock_june.model import Fault
from mock_june.server.faults import Faults, parse
from tests.server.faces import GOOD, TRACK, Face, FrontFace, assert_refusal, assert_success, connected, everything, head

BODY = wire.dumps(TRACK)
BILLION = 10**9


# What a fault may say


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"status": 503}, Fault(status=503)),
        ({"status": 503, "times": None, "retry_after": 0}, Fault(status=503, times=None, retry_after=0)),
        ({"delay": 0.5}, Fault(delay=0.5)),
        ({"delay": 60, "status": 400, "when": "after"}, Fault(delay=60, status=400, when="after")),
        ({"drop": "reset"}, Fault(drop="reset", when="after")),
        ({"drop": "close", "when": "before"}, Fault(drop="close", when="before")),
        ({"drop": "truncate", "status": 503}, Fault(drop="truncate", status=503)),
        ({"rate": 10, "per": 2.5}, Fault(rate=10, per=2.5, times=None)),
        ({"rate": 1, "kind": "page", "path": "/sdk/*", "after": 3}, Fault(rate=1, times=None, kind="page", path="/sdk/*", after=3)),
        (
            {"status": 599, "times": BILLION, "probability": 0, "seed": -1, "after": BILLION},
            Fault(status=599, times=BILLION, probability=0, seed=-1, after=BILLION),
        ),
        ({"status": 503.0, "times": 2.0}, Fault(status=503, times=2)),
    ],
)
def test_a_fault_says(data: dict[str, Any], fault: Fault):
    """A status, a delay, a drop, or a limit, with what goes beside it; a drop strikes after the call, all else before."""
    assert parse(data, None) == [fault]


@pytest.mark.parametrize(
    "data",
    [
        5,
        None,
        "503",
        [],
        {},
        [[{"status": 503}]],
        {"times": 2},
        {"status": 200},
        {"status": 600},
        {"status": "503"},
        {"status": 503.5},
        {"status": True},
        {"status": None},
        {"delay": -0.1},
        {"delay": 60.1},
        {"delay": "1"},
        {"drop": "explode"},
        {"drop": None},
        {"status": 503, "times": 0},
        {"status": 503, "times": BILLION + 1},
        {"status": 503, "after": 0},
        {"status": 503, "after": -1},
        {"status": 503, "after": 10**20},
        {"status": 503, "probability": 1.1},
        {"status": 503, "probability": -0.1},
        {"status": 503, "seed": 2**63},
        {"status": 503, "seed": 0.5},
        {"status": 503, "kind": "batch"},
        {"status": 503, "path": ""},
        {"status": 503, "path": 5},
        {"status": 503, "retry_after": -1},
        {"status": 503, "when": "during"},
        {"status": 503, "satus": 1},
        {"rate": 0},
        {"rate": BILLION + 1},
        {"rate": 1, "per": 0},
        {"rate": 1, "per": 0.0001},
        {"rate": 1, "per": 3601},
        {"rate": 1, "times": 1},
        {"rate": 1, "status": 503},
        {"rate": 1, "drop": "reset"},
        [{"status": 503}, {"status": 1}],
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(data: object):
    """Unknown members, wrong types, numbers outside: an error that says which, and nothing is planned, also of a list with one good fault."""
    with pytest.raises(UsageError) as raised:
        parse(data, None)
    assert raised.value.status == 400
    assert str(raised.value)


def test_the_wrong_one_of_a_list_is_named():
    """Of several faults, the message says which is wrong and where."""
    with pytest.raises(UsageError, match=r"^fault 2: `status`: "):
        parse([{"status": 503}, {"status": 1}], None)


def test_a_fault_comes_back_as_it_was_planned():
    """What the control API shows of a fault is read back as the same fault."""
    for data in ({"status": 503, "times": None}, {"drop": "reset"}, {"rate": 10, "per": 1.0}, {"delay": 0.5, "kind": "track", "probability": 0.5, "seed": 7}):
        (fault,) = Faults().plan(parse(data, "w"))
        assert wire.fault_from(wire.fault(fault)) == fault


# Which call it meets


def met(faults: Faults, calls: int, *, workspace: str = "w", kinds: tuple[str, ...] = ("track",), path: str = "/api/track", now: float = 0.0) -> list[bool]:
    return [faults.take(workspace, kinds, path, now) is not None for _ in range(calls)]


def planned(*data: dict[str, Any], workspace: str | None = None) -> Faults:
    faults = Faults()
    faults.plan(parse(list(data), workspace))
    return faults


def test_once_is_the_default():
    """A fault strikes one call and is gone."""
    faults = planned({"status": 503})
    assert met(faults, 3) == [True, False, False]
    assert faults.planned(None) == []


def test_times_and_after():
    """`after` lets calls pass first, `times` is how often it strikes then."""
    assert met(planned({"status": 503, "after": 2, "times": 2}), 6) == [False, False, True, True, False, False]


def test_until_reset():
    """`times` null strikes until it is cleared; `struck` counts."""
    faults = planned({"status": 503, "times": None})
    assert all(met(faults, 100))
    assert faults.planned(None)[0].struck == 100
    assert faults.clear(None) == 1
    assert met(faults, 1) == [False]


@pytest.mark.parametrize(("kind", "path"), [("track", None), (None, "/api/t*"), ("track", "/api/track"), (None, "*")])
def test_a_fault_meets_its_kind_and_path_alone(kind: str | None, path: str | None):
    """`kind` and `path` (a glob over the whole path) narrow a fault, and it lets what it does not concern pass uncounted."""
    said = {name: value for name, value in (("kind", kind), ("path", path)) if value is not None}
    faults = planned({"status": 503, "after": 1} | said)
    assert met(faults, 3, kinds=("identify",), path="/sdk/identify") == ([False, True, False] if path == "*" else [False] * 3)
    if path != "*":
        assert met(faults, 3) == [False, True, False]


def test_a_kind_in_a_batch_is_met():
    """A batch is met when one of its events is of the kind."""
    assert met(planned({"status": 503, "kind": "group"}), 1, kinds=("track", "group"), path="/sdk/batch") == [True]


def test_a_workspace_meets_its_own_faults_and_those_of_all():
    """A fault of one workspace never meets another; clearing one leaves the others'."""
    faults = planned({"status": 503, "times": None}, workspace="w")
    faults.plan(parse({"status": 500, "times": None}, "other"))
    faults.plan(parse({"status": 429, "times": None}, None))

    def status(workspace: str) -> int | None:
        fault = faults.take(workspace, (), "/api/track", 0.0)
        return None if fault is None else fault.status

    assert (status("w"), status("other"), status("third")) == (503, 500, 429)
    assert [fault.status for fault in faults.planned("w")] == [503, 429]
    assert faults.clear("w") == 1
    assert (status("w"), status("other")) == (429, 500)


def test_the_first_planned_strikes_first():
    """Faults are met in the order in which they were planned, one a call."""
    faults = planned({"status": 503}, {"status": 502})
    assert [getattr(faults.take("w", (), "/", 0.0), "status", None) for _ in range(3)] == [503, 502, None]


def test_chance_is_repeatable_by_its_seed():
    """The same seed strikes the same calls, another seed others; the share is that of the probability."""
    one, same, other = (met(planned({"status": 503, "times": None, "probability": 0.3, "seed": seed}), 1000) for seed in (1, 1, 2))
    assert one == same
    assert one != other
    assert 250 < sum(one) < 350
    assert not any(met(planned({"status": 503, "times": None, "probability": 0}), 100))
    assert all(met(planned({"status": 503, "times": None, "probability": 1}), 100))


def test_a_limit_is_a_sliding_window():
    """`rate` calls in any `per` seconds pass; what goes beyond is told how long to wait, in whole seconds, and does not count."""
    faults = planned({"rate": 2, "per": 10})

    def at(now: float) -> int | None:
        fault = faults.take("w", (), "/", now)
        assert fault is None or fault.status == 429
        return None if fault is None else fault.retry_after

    assert [at(0.0), at(4.0), at(4.0), at(9.5)] == [None, None, 6, 1]
    assert [at(10.0), at(10.0), at(14.0), at(14.0)] == [None, 4, None, 6]


def test_a_limit_of_one_workspace_counts_its_calls_alone():
    """Calls of other workspaces use nothing up."""
    faults = planned({"rate": 1, "per": 10}, workspace="w")
    assert met(faults, 3, workspace="other") == [False] * 3
    assert met(faults, 2) == [False, True]


def test_a_given_retry_after_outranks_the_reckoned():
    """A limit may say its own `retry_after`."""
    faults = planned({"rate": 1, "per": 10, "retry_after": 77})
    faults.take("w", (), "/", 0.0)
    fault = faults.take("w", (), "/", 0.0)
    assert fault is not None
    assert fault.retry_after == 77


def test_threads_share_the_count():
    """Of calls that come at once, exactly `times` are struck."""
    faults = planned({"status": 503, "times": 100})
    struck: list[bool] = []
    threads = [threading.Thread(target=lambda: struck.extend(met(faults, 50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(struck), sum(struck)) == (400, 100)


# What the client sees


@pytest.mark.parametrize("status", [400, 401, 404, 418, 429, 500, 503, 599])
def test_a_planned_status(face: Face, key: str, status: int):
    """The call is answered with the status in the refusal shape, is not accepted, and its fault is on record; the next is answered as ever."""
    (fault,) = face.plan(key, {"status": status, "retry_after": 7})
    reply = face.post("/api/track", TRACK, key=key)
    body = reply.json
    assert (reply.status, body["status"], body["code"], body["success"], body["errors"]) == (status, status, "fault", False, [])
    assert reply.headers["retry-after"] == "7"
    assert_success(face.post("/api/track", TRACK, key=key))
    first, second = face.calls(key)
    assert (first.status, first.code, first.accepted, first.events[0].accepted) == (status, "fault", False, False)
    assert first.fault is not None
    assert (first.fault.id, first.fault.struck) == (fault.id, 1)
    assert (second.accepted, second.fault) == (True, None)


def test_a_planned_status_hides_what_was_wrong(face: Face, key: str):
    """A server that fails first never looks at the payload; the record keeps what was wrong all the same."""
    face.plan(key, {"status": 503})
    assert_refusal(face.post("/api/track", {}, key=key), 503, "fault")
    assert face.calls(key)[0].violations


def test_a_status_after_the_call(face: Face, key: str):
    """`when` after: the call is accepted and on record as such, only its answer says otherwise: sent again, it is doubled."""
    face.plan(key, {"status": 503, "when": "after"})
    body = assert_refusal(face.post("/api/track", TRACK, key=key), 503, "fault")
    assert "doubled" in body["message"]
    (call,) = face.calls(key)
    assert (call.status, call.accepted, call.events[0].accepted) == (503, True, True)


def test_a_fault_meets_one_workspace(face: Face, key: str):
    """A fault planned for one key never meets another's calls."""
    face.plan(key, {"status": 503, "times": None})
    assert_success(face.post("/api/track", TRACK, key=f"{key}-other"))
    assert_refusal(face.post("/api/track", TRACK, key=key), 503, "fault")


def test_no_fault_meets_a_call_without_a_key(make_face):
    """A 401 stays a 401."""
    face = make_face()
    face.plan(None, {"status": 503, "times": None})
    assert_refusal(face.post("/api/track", TRACK), 401, "unauthorized")
    assert_refusal(face.post("/api/track", TRACK, key="any"), 503, "fault")


@pytest.mark.parametrize("kind", ["track", "identify"])
def test_a_fault_of_a_kind_meets_a_batch_that_holds_it(face: Face, key: str, kind: str):
    """A batch is met by the kinds of its events."""
    face.plan(key, {"status": 503, "kind": kind})
    reply = face.post("/sdk/batch", {"batch": [TRACK, GOOD["group"]]}, key=key)
    assert reply.status == (503 if kind == "track" else 200)


def test_a_limit_on_the_wire(face: Face, key: str):
    """What goes beyond the limit is 429 `rate_limited` with Retry-After, and is not accepted."""
    face.plan(key, {"rate": 2, "per": 3600})
    assert [face.post("/api/track", TRACK, key=key).status for _ in range(2)] == [200, 200]
    reply = face.post("/api/track", TRACK, key=key)
    assert_refusal(reply, 429, "rate_limited")
    assert 3500 < int(reply.headers["retry-after"]) <= 3600
    assert [call.accepted for call in face.calls(key)] == [True, True, False]


def test_a_delay_spoils_nothing(face: Face, key: str):
    """A delayed call is answered late, and as it would have been; it is on record before."""
    face.plan(key, {"delay": 0.3, "times": 2})
    began = time.monotonic()
    assert_success(face.post("/api/track", TRACK, key=key))
    assert time.monotonic() - began >= 0.3
    assert_refusal(face.post("/api/track", {}, key=key), 400, "invalid_payload")
    assert [call.accepted for call in face.calls(key)] == [True, False]


def test_a_delay_with_a_status(face: Face, key: str):
    """A slow failure: both at once."""
    face.plan(key, {"delay": 0.2, "status": 503})
    began = time.monotonic()
    assert_refusal(face.post("/api/track", TRACK, key=key), 503, "fault")
    assert time.monotonic() - began >= 0.2


def test_a_delay_holds_up_nobody_else(front: FrontFace, key: str):
    """While 50 calls are held, others are answered at once."""
    front.plan(key, {"delay": 2, "times": None})
    held = [socket.create_connection(("127.0.0.1", front.port)) for _ in range(50)]
    try:
        for sock in held:
            sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY)
        began = time.monotonic()
        for _ in range(10):
            assert_success(front.post("/api/track", TRACK, key=f"{key}-other"))
        assert time.monotonic() - began < 1
    finally:
        for sock in held:
            sock.close()
        front.mock.faults.clear(None)


def dropped(front: FrontFace, key: str) -> bytes:
    """What comes of a call before its connection ends. Raises ConnectionResetError when it is reset."""
    with connected(front.port) as sock:
        sock.sendall(head("/api/track", key, f"Content-Length: {len(BODY)}") + BODY)
        return everything(sock)


@pytest.mark.parametrize(("when", "accepted"), [(None, True), ("after", True), ("before", False)])
@pytest.mark.parametrize("drop", ["reset", "close", "truncate"])
def test_a_drop(front: FrontFace, key: str, drop: str, when: str | None, accepted: bool):
    """The connection is reset, closed without a byte, or closed in the middle of the answer; the call is accepted unless the fault says before."""
    front.plan(key, {"drop": drop} | ({} if when is None else {"when": when}))
    if drop == "reset":
        with pytest.raises(ConnectionResetError):
            dropped(front, key)
    elif drop == "close":
        assert dropped(front, key) == b""
    else:
        answer = dropped(front, key)
        said, _, body = answer.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in said.split(b"\r\n") if line.lower().startswith(b"content-length"))
        assert 0 < len(body) < length
    (call,) = front.calls(key)
    assert (call.accepted, call.events[0].accepted) == (accepted, accepted)
    assert call.fault is not None
    assert call.fault.drop == drop
    assert_success(front.post("/api/track", TRACK, key=key))


@pytest.mark.parametrize("drop", ["reset", "close", "truncate"])
def test_a_drop_is_an_error_to_an_http_client(front: FrontFace, key: str, drop: str):
    """An HTTP client never takes a dropped answer for a whole one."""
    front.plan(key, {"drop": drop})
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        front.post("/api/track", TRACK, key=key)


def test_a_drop_after_a_delay(front: FrontFace, key: str):
    """A drop may come late."""
    front.plan(key, {"drop": "close", "delay": 0.3})
    began = time.monotonic()
    assert dropped(front, key) == b""
    assert time.monotonic() - began >= 0.3


def test_drops_leave_nothing_behind(front: FrontFace, key: str):
    """100 dropped connections leave no connection with the server."""
    front.plan(key, *({"drop": drop, "times": 34} for drop in ("reset", "close", "truncate")))
    for _ in range(102):
        try:
            dropped(front, key)
        except ConnectionResetError:
            continue
    assert len(front.calls(key)) == 102
    assert_success(front.post("/api/track", TRACK, key=key))


def test_after_counts_what_came_to_the_fault(make_face):
    """A call that an earlier fault strikes has not passed: `after` of a later one does not count it."""
    face = make_face()
    face.mock.faults.plan(parse([{"status": 503}, {"status": 500, "after": 1}], None))
    assert [face.post("/api/track", TRACK, key="any").status for _ in range(4)] == [503, 200, 500, 200]
