"""The control API, asked of both faces."""

from __future__ import annotations

import base64
import re
import time
from typing import Any

import orjson
import pytest

from mock_june import __version__
from mock_june.contract import schemas
from mock_june.model import KINDS
from mock_june.server.control import api
from tests.server.faces import GOOD, GROUP, IDENTIFY, TRACK, Face, Reply, assert_refusal

EVENT_MEMBERS = {"id", "call", "at", "workspace", "contract", "kind", "accepted", "payload", "violations", "warnings"}
CALL_MEMBERS = {"id", "at", "workspace", "method", "path", "headers", "body", "status", "code", "accepted", "fault", "answer", "duration_ms", "events"}
CALL_MEMBERS |= {"violations", "violations_total"}

PATHS = ["/", "/favicon.ico", "/openapi.json", "/_mock/health", "/_mock/calls", "/_mock/events", "/_mock/faults", "/_mock/export"]
"""A path of each that GET answers and that ends by itself."""


def ask(face: Face, path: str, key: str | None = None, method: str = "GET", body: Any = None, headers: tuple = ()) -> Reply:
    """One control request, narrowed to a key's workspace."""
    pairs = [*headers] if key is None else [*headers, ("Authorization", f"Basic {key}")]
    return face.send(method, path, b"" if body is None else orjson.dumps(body), pairs)


def good(reply: Reply) -> Any:
    """The JSON of an answer of 200."""
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == "application/json"
    return reply.json


@pytest.fixture
def seeded(face, key):
    """A workspace with a call of each sort."""
    assert face.post("/api/identify", IDENTIFY, key=key).status == 200
    assert face.post("/api/group", GROUP, key=key).status == 200
    assert face.post("/api/track", TRACK, key=key).status == 200
    assert face.post("/api/track", {**TRACK, "userId": 7, "event": "Broken"}, key=key).status == 400
    assert face.post("/api/identify", {"type": "identify", "anonymousId": "a-1", "user_id": "1"}, key=key).status == 200
    assert face.post("/sdk/batch", {"batch": [IDENTIFY | {"userId": "2"}, TRACK | {"userId": "2", "event": "In a batch"}]}, key=key).status == 200
    assert face.post("/api/track", b"{", key=key).status == 400
    assert face.post("/api/nowhere?x=1", {}, key=key).status == 404
    return key


class TestHealth:
    def test_it_says_what_is_on_record(self, face, seeded):
        """A workspace's health counts its calls, its events and its rejected calls, and names the rules in force."""
        health = good(ask(face, "/_mock/health", seeded))
        assert {name: health[name] for name in ("status", "version", "calls", "events")} == {"status": "ok", "version": __version__, "calls": 8, "events": 7}
        assert health["rejected"] == 3
        assert health["rules_hash"] == face.mock.engine.rules_hash
        assert health["uptime_s"] >= 0

    def test_without_a_key_it_speaks_of_all(self, face, seeded):
        """The whole journal has at least what one workspace has."""
        whole = good(ask(face, "/_mock/health"))
        assert whole["calls"] >= 8
        assert good(ask(face, "/_mock/health", "another-key-altogether"))["calls"] == 0


class TestListing:
    def test_calls_come_oldest_first_and_whole(self, face, seeded):
        """Each call has the members of the interface, its answer, and its events with their payloads."""
        listed = good(ask(face, "/_mock/calls", seeded))
        assert set(listed) == {"calls", "next"}
        assert listed["next"] is None
        calls = listed["calls"]
        assert all(set(call) == CALL_MEMBERS for call in calls)
        assert [call["id"] for call in calls] == sorted(call["id"] for call in calls)
        assert [call["status"] for call in calls] == [200, 200, 200, 400, 200, 200, 400, 404]
        assert calls[2]["events"][0]["payload"] == TRACK
        assert calls[3]["violations"][0]["rule"] == "track.userId.type"
        assert calls[3]["answer"]["code"] == "invalid_payload"
        assert calls[7]["path"] == "/api/nowhere?x=1"

    def test_events_come_with_their_violations(self, face, seeded):
        """Each event has the members of the interface; pointers are relative to its payload."""
        events = good(ask(face, "/_mock/events", seeded))["events"]
        assert all(set(event) == EVENT_MEMBERS for event in events)
        assert [event["kind"] for event in events] == ["identify", "group", "track", "track", "identify", "identify", "track"]
        assert [event["contract"] for event in events] == ["backfill"] * 5 + ["sdk"] * 2
        assert events[3]["violations"][0]["pointer"] == "/userId"
        assert events[4]["warnings"][0]["rule"] == "identify.userId.unknown"
        assert events[6]["payload"]["event"] == "In a batch"

    @pytest.mark.parametrize(
        ("asked", "places"),
        [
            ("kind=identify", [0, 4, 5]),
            ("kind=page", []),
            ("accepted=true", [0, 1, 2, 4, 5]),
            ("accepted=false", [3, 6, 7]),
            ("rule=track.userId.type", [3]),
            ("rule=*.unknown", [4]),
            ("rule=body.json", [6]),
            ("rule=*", [3, 4, 6]),
            ("userId=2", [5]),
            ("anonymousId=a-1", [4]),
            ("groupId=A", [1]),
            ("event=Registered", [2]),
            ("path=/sdk/*", [5]),
            ("path=*/nowhere", [7]),
            ("kind=track&accepted=false", [3]),
            ("kind=track&userId=2&event=In+a+batch&path=/sdk/batch&accepted=true", [5]),
            ("kind=group&accepted=false", []),
        ],
    )
    def test_every_filter_of_calls_holds_alone_and_combined(self, face, seeded, asked, places):
        """Calls are those of which an event, or the call itself, is as asked."""
        everything = [call["id"] for call in good(ask(face, "/_mock/calls", seeded))["calls"]]
        assert [call["id"] for call in good(ask(face, f"/_mock/calls?{asked}", seeded))["calls"]] == [everything[place] for place in places]

    @pytest.mark.parametrize(
        ("asked", "places"),
        [
            ("kind=track", [2, 3, 6]),
            ("accepted=false", [3]),
            ("accepted=true", [0, 1, 2, 4, 5, 6]),
            ("rule=track.*", [3]),
            ("rule=*.unknown", [4]),
            ("userId=1", [0, 1, 2]),
            ("userId=7", []),
            ("anonymousId=a-1", [4]),
            ("groupId=A", [1]),
            ("event=In+a+batch", [6]),
            ("path=/sdk/batch", [5, 6]),
            ("kind=track&userId=2", [6]),
        ],
    )
    def test_every_filter_of_events_holds_alone_and_combined(self, face, seeded, asked, places):
        """Events are those that are as asked themselves; ids are Strings, so a number matches none."""
        everything = [event["id"] for event in good(ask(face, "/_mock/events", seeded))["events"]]
        assert [event["id"] for event in good(ask(face, f"/_mock/events?{asked}", seeded))["events"]] == [everything[place] for place in places]

    @pytest.mark.parametrize("what", ["calls", "events"])
    def test_pages_cover_all_once(self, face, seeded, what):
        """Going on from `next` until it is null shows each once, in order."""
        everything = [one["id"] for one in good(ask(face, f"/_mock/{what}", seeded))[what]]
        seen: list[int] = []
        after = 0
        while after is not None:
            page = good(ask(face, f"/_mock/{what}?limit=3&after={after}", seeded))
            seen += [one["id"] for one in page[what]]
            after = page["next"]
        assert seen == everything

    def test_a_full_page_that_is_the_last_says_so(self, face, seeded):
        """`next` is null where nothing more is there, also when the page is exactly full."""
        assert good(ask(face, "/_mock/calls?limit=8", seeded))["next"] is None
        assert good(ask(face, "/_mock/calls?limit=7", seeded))["next"] is not None

    def test_a_page_of_large_calls_ends_early(self, face, key, monkeypatch):
        """A page holds no more than its bytes allow, and `next` goes on."""
        monkeypatch.setattr("mock_june.server.control.feeds.PAGE_BYTES", 3000)
        for _ in range(5):
            face.post("/api/identify", {**IDENTIFY, "traits": {"x": "y" * 1000}}, key=key)
        page = good(ask(face, "/_mock/calls", key))
        assert 1 <= len(page["calls"]) < 5
        rest = good(ask(face, f"/_mock/calls?after={page['next']}", key))
        assert rest["calls"]

    def test_a_deep_payload_is_readable_back(self, face, key):
        """What was taken 900 deep is shown again: nothing is parsed and dumped anew (threat J2)."""
        deep = b'{"type":"identify","userId":"1","traits":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}"
        assert face.post("/api/identify", deep, key=key).status == 200
        assert deep[40:] in ask(face, "/_mock/events", key).body
        assert ask(face, "/_mock/calls", key).status == 200

    @pytest.mark.parametrize("what", ["calls", "events", "stream", "export"])
    @pytest.mark.parametrize("asked", ["limit=100000000000000000000", "count=1&wait=nan", "after=18446744073709551616", "rule=" + "*a" * 40, "nonsense=1"])
    def test_bad_questions_are_refused_fast(self, face, key, what, asked):
        """A parameter that is out of its bounds, or not taken there, is a 400 in the one shape, at once (threat R4)."""
        began = time.monotonic()
        assert_refusal(ask(face, f"/_mock/{what}?{asked}", key), 400, "invalid_request")
        assert time.monotonic() - began < 2

    def test_a_parameter_where_none_is_taken_is_refused(self, face):
        """A filter on what takes none is refused, not passed over: `DELETE /_mock/calls?kind=track` would delete all."""
        for method, path in [
            ("GET", "/_mock/health"),
            ("DELETE", "/_mock/calls"),
            ("POST", "/_mock/reset"),
            ("DELETE", "/_mock/faults"),
            ("GET", "/openapi.json"),
        ]:
            assert_refusal(ask(face, f"{path}?kind=track", method=method), 400, "invalid_request")


class TestOneCall:
    def test_it_is_the_one_that_was_listed(self, face, seeded):
        """A call by its id is what the listing shows."""
        for call in good(ask(face, "/_mock/calls", seeded))["calls"]:
            assert good(ask(face, f"/_mock/calls/{call['id']}", seeded)) == call

    def test_another_workspace_does_not_see_it(self, face, seeded):
        """A narrowed request finds its own calls alone."""
        number = good(ask(face, "/_mock/calls", seeded))["calls"][0]["id"]
        assert_refusal(ask(face, f"/_mock/calls/{number}", "another-key-altogether"), 404, "not_found")
        assert good(ask(face, f"/_mock/calls/{number}"))["id"] == number

    @pytest.mark.parametrize(
        ("number", "status", "code"),
        [("9223372036854775807", 404, "not_found"), ("9223372036854775808", 400, "invalid_request"), ("0", 404, "not_found"), ("x", 400, "invalid_request")],
    )
    def test_an_id_that_is_none(self, face, number, status, code):
        """An unknown id is 404; what is no id, or is beyond 64 bits, is 400."""
        assert_refusal(ask(face, f"/_mock/calls/{number}"), status, code)


class TestKeys:
    def test_every_spelling_narrows_alike(self, face, seeded):
        """The key as it stands and base64 of `key:` are the same workspace."""
        spelled = base64.b64encode(f"{seeded}:".encode()).decode()
        assert good(ask(face, "/_mock/calls", spelled)) == good(ask(face, "/_mock/calls", seeded))

    def test_a_given_key_narrows_without_its_colon_too(self, make_face):
        """base64 of a key without the colon counts where the key was given to the fake."""
        face = make_face(["a-given-key-1"])
        face.post("/api/identify", IDENTIFY, key="a-given-key-1")
        spelled = base64.b64encode(b"a-given-key-1").decode()
        assert len(good(ask(face, "/_mock/calls", spelled))["calls"]) == 1

    def test_a_key_that_is_not_taken_sees_an_empty_workspace(self, make_face):
        """A control request needs no good key: one that the fake does not take simply owns nothing."""
        face = make_face(["a-given-key-1"])
        face.post("/api/identify", IDENTIFY, key="a-given-key-1")
        assert good(ask(face, "/_mock/calls", "some-other-key"))["calls"] == []

    def test_no_key_is_shown(self, face, key):
        """In header, query, body and answer the key is masked: of the listing, of one call, of the events and of both exports."""
        secret = f"secret-{key}"
        face.post(f"/api/identify?api_key={secret}", {**IDENTIFY, "traits": {"note": secret}}, key=secret)
        face.post("/sdk/identify", {**IDENTIFY, "writeKey": secret})
        face.post("/api/track", {**TRACK, "timestamp": secret}, key=secret)
        number = good(ask(face, "/_mock/calls", secret))["calls"][0]["id"]
        for path in ["calls", f"calls/{number}", "events", "export?format=jsonl", "export?format=har", "health"]:
            shown = ask(face, f"/_mock/{path}", secret)
            assert shown.status == 200
            assert secret.encode() not in shown.body, path


class TestDeleting:
    def test_calls_of_one_workspace_go_alone(self, face, seeded):
        """DELETE says how many went, leaves the faults, and touches no other workspace."""
        face.post("/api/identify", IDENTIFY, key=f"other-{seeded}")
        face.plan(seeded, {"status": 503, "kind": "alias"})
        assert good(ask(face, "/_mock/calls", seeded, "DELETE")) == {"deleted": 8}
        assert good(ask(face, "/_mock/calls", seeded))["calls"] == []
        assert len(good(ask(face, "/_mock/calls", f"other-{seeded}"))["calls"]) == 1
        assert len(good(ask(face, "/_mock/faults", seeded))["faults"]) == 1

    def test_reset_clears_calls_and_faults(self, face, seeded):
        """After a reset a workspace is as new; ids go on growing."""
        face.plan(seeded, {"status": 503, "times": None})
        last = good(ask(face, "/_mock/calls", seeded))["calls"][-1]["id"]
        assert good(ask(face, "/_mock/reset", seeded, "POST")) == {"status": "ok"}
        assert good(ask(face, "/_mock/faults", seeded)) == {"faults": []}
        assert good(ask(face, "/_mock/health", seeded))["calls"] == 0
        face.post("/api/identify", IDENTIFY, key=seeded)
        assert good(ask(face, "/_mock/calls", seeded))["calls"][0]["id"] > last

    def test_without_a_key_all_go(self, make_face):
        """An unnarrowed reset is of the whole fake."""
        face = make_face()
        face.post("/api/identify", IDENTIFY, key="one-key")
        face.post("/api/identify", IDENTIFY, key="two-key")
        face.plan(None, {"status": 503, "times": None})
        assert good(ask(face, "/_mock/calls", method="DELETE")) == {"deleted": 2}
        assert good(ask(face, "/_mock/reset", method="POST")) == {"status": "ok"}
        assert good(ask(face, "/_mock/faults")) == {"faults": []}


class TestFaults:
    def test_what_is_planned_strikes_and_shows(self, face, key):
        """POST gives the faults with their ids; they strike in that workspace; DELETE says how many went."""
        planned = good(ask(face, "/_mock/faults", key, "POST", {"status": 503, "times": 2, "retry_after": 1}))["faults"]
        assert [(fault["status"], fault["times"], fault["struck"]) for fault in planned] == [(503, 2, 0)]
        assert planned[0]["id"] >= 1
        refused = face.post("/api/identify", IDENTIFY, key=key)
        assert (refused.status, refused.headers["retry-after"]) == (503, "1")
        assert face.post("/api/identify", IDENTIFY, key=f"other-{key}").status == 200
        assert good(ask(face, "/_mock/faults", key))["faults"][0]["struck"] == 1
        assert good(ask(face, "/_mock/faults", key, "DELETE")) == {"deleted": 1}
        assert face.post("/api/identify", IDENTIFY, key=key).status == 200

    def test_a_list_is_planned_in_its_order(self, face, key):
        """Several faults come as a list and are given back in order."""
        planned = good(ask(face, "/_mock/faults", key, "POST", [{"delay": 0.1}, {"rate": 10, "per": 2}, {"drop": "close"}]))["faults"]
        assert [sorted({"delay", "rate", "drop"} & fault.keys()) for fault in planned] == [["delay"], ["rate"], ["drop"]]

    @pytest.mark.parametrize(
        "body",
        [
            {},
            [],
            "503",
            {"times": 2},
            {"status": "503"},
            {"status": 200},
            {"delay": -1},
            {"delay": 61},
            {"drop": "explode"},
            {"status": 503, "times": 0},
            {"status": 503, "probability": 1.1},
            {"status": 503, "colour": "red"},
            {"rate": 0},
            {"rate": 10, "per": 0},
            [{"status": 503}, {"status": 1}],
        ],
        ids=str,
    )
    def test_a_fault_that_is_none_plans_nothing(self, face, key, body):
        """Unknown members, wrong types and numbers outside their bounds are 400, and of a list nothing is planned."""
        assert_refusal(ask(face, "/_mock/faults", key, "POST", body), 400, "invalid_request")
        assert good(ask(face, "/_mock/faults", key)) == {"faults": []}

    def test_a_body_that_is_no_json_is_refused(self, face, key):
        """So is an empty one; one too large is 413 before it is parsed."""
        for body in (b"", b"{", b'{"status": NaN}', b"\xff"):
            assert_refusal(face.send("POST", "/_mock/faults", body, [("Authorization", f"Basic {key}")]), 400, "invalid_request")
        assert_refusal(face.send("POST", "/_mock/faults", b" " * (api.MOST_BODY + 1)), 413, "payload_too_large")


class TestShape:
    @pytest.mark.parametrize("path", ["/_mock", "/_mock/", "/_mock/nothing", "/_mock/calls/1/2", "/_mock/schemas/sdk", "/_mock/..%2f", "/_mock/%00"])
    def test_an_unknown_path_is_404(self, face, path):
        """Whatever lies below /_mock and is not there is a refusal, and no call."""
        before = face.mock.journal.last_id
        for method in ("GET", "POST"):
            assert_refusal(ask(face, path, method=method), 404, "not_found")
        assert face.mock.journal.last_id == before

    @pytest.mark.parametrize("path", list(api.ROUTES))
    def test_a_wrong_method_is_405_with_allow(self, face, path):
        """OPTIONS too: no preflight is ever answered, so no page of another origin gets further (threat A5)."""
        real = path.replace("<id>", "1").replace("<contract>", "sdk").replace("<kind>", "batch")
        good_ones = api.allowed(api.ROUTES[path])
        for method in ("OPTIONS", "PUT", "PATCH", "DELETE", "POST", "GET"):
            if method not in good_ones:
                refused = ask(face, real, method=method)
                assert_refusal(refused, 405, "method_not_allowed")
                assert refused.headers["allow"] == ", ".join(good_ones)

    @pytest.mark.parametrize("path", PATHS)
    def test_head_is_get_without_the_body(self, face, path):
        """HEAD answers every path that GET does."""
        shown, headed = ask(face, path), ask(face, path, method="HEAD")
        assert (headed.status, headed.body) == (shown.status, b"")
        assert headed.headers.get("content-type") == shown.headers.get("content-type")

    def test_head_holds_nothing(self, face):
        """HEAD of a stream ends, and a HEAD with `wait` does not wait."""
        began = time.monotonic()
        assert ask(face, "/_mock/stream", method="HEAD").headers["content-type"].startswith("text/event-stream")
        assert ask(face, "/_mock/calls?count=1000000&wait=30", method="HEAD").status == 200
        assert time.monotonic() - began < 5

    @pytest.mark.parametrize("origin", [None, "http://localhost", "https://evil.example"])
    @pytest.mark.parametrize("path", [*PATHS, "/_mock/nothing", "/_mock/calls?limit=x"])
    def test_no_answer_can_be_read_across_origins(self, face, path, origin):
        """Whatever is answered carries no CORS header, may not be stored, sniffed or framed (threats A5, C1)."""
        reply = ask(face, path, headers=() if origin is None else (("Origin", origin),))
        assert not any(name.startswith("access-control-") for name in reply.headers)
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in reply.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "file://", "http://127.0.0.1.evil.example", "http://127.0.0.1@evil"])
    def test_a_page_of_another_site_changes_nothing(self, face, key, origin):
        """A form that posts text/plain to reset is refused, and all is as it was (threat A4)."""
        face.post("/api/identify", IDENTIFY, key=key)
        headers = (("Origin", origin), ("Content-Type", "text/plain"))
        assert_refusal(ask(face, "/_mock/reset", key, "POST", headers=headers), 403, "forbidden")
        assert_refusal(ask(face, "/_mock/calls", key, "DELETE", headers=headers), 403, "forbidden")
        assert_refusal(ask(face, "/_mock/faults", key, "POST", {"status": 503}, headers=headers), 403, "forbidden")
        assert_refusal(ask(face, "/_mock/calls", key, headers=headers), 403, "forbidden")
        assert len(good(ask(face, "/_mock/calls", key))["calls"]) == 1
        assert good(ask(face, "/_mock/faults", key)) == {"faults": []}

    def test_the_token_opens_what_is_bound_beyond_loopback(self, make_face):
        """Without the token every path but the page is refused; ingestion never wants it."""
        face = make_face(token="t0ken-t0ken")
        for path in PATHS[2:]:
            refused = ask(face, path)
            assert (refused.status, refused.json["code"]) == (401, "unauthorized")
            assert ask(face, path, headers=(("X-Mock-June-Token", "t0ken-t0ken"),)).status == 200
        assert ask(face, "/").status == 200
        assert face.post("/api/identify", IDENTIFY, key="any-key").status == 200

    def test_no_control_request_is_a_call(self, face, seeded):
        """Asking is not recorded, refused or not."""
        before = face.mock.journal.last_id
        for path in [*PATHS, "/_mock/nothing", "/_mock/calls?limit=x"]:
            ask(face, path, seeded)
        assert face.mock.journal.last_id == before

    def test_a_trailing_slash_is_the_same_path(self, face):
        """As on the ingestion routes."""
        assert ask(face, "/_mock/health/").status == 200
        assert ask(face, "/_mock/calls/?limit=1").status == 200


class TestFiles:
    @pytest.mark.parametrize("contract", list(KINDS))
    def test_schemas_are_the_files_byte_for_byte(self, face, contract):
        """Each schema file is served as it lies there."""
        for kind in schemas.names(contract):
            reply = ask(face, f"/_mock/schemas/{contract}/{kind}.json")
            assert reply.headers["content-type"] == "application/json"
            assert reply.body == (schemas.folder() / contract / f"{kind}.json").read_bytes()

    @pytest.mark.parametrize("name", ["sdk/nothing", "backfill/batch", "nothing/track", "..%2f..%2fpyproject/x", "sdk/..%2fbackfill%2ftrack"])
    def test_no_other_file_is(self, face, name):
        """A name that is no schema is 404, wherever it points."""
        assert_refusal(ask(face, f"/_mock/schemas/{name}.json"), 404, "not_found")

    def test_the_page_names_what_is_there(self, face):
        """Each file and link that the page names answers, in its type; nothing runs or loads but its own files."""
        page = ask(face, "/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        policy = page.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
        assert "unsafe" not in page.headers["content-security-policy"]
        named = re.findall(r'(?:href|src)="([^"#]+)"', page.body.decode())
        assert len(named) >= 5
        types = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml", "calls": "application/json"}
        for name in named:
            reply = ask(face, name)
            assert (reply.status, reply.headers["content-type"].partition(";")[0]) == (200, types[re.split(r"[./]", name)[-1]])
        assert_refusal(ask(face, "/_mock/page/nothing.js"), 404, "not_found")
        assert_refusal(ask(face, "/_mock/page/__init__.py"), 404, "not_found")

    def test_every_good_kind_is_listed(self, face, key):
        """Every kind of the SDK contract is found again under its name."""
        for kind, payload in GOOD.items():
            face.post(f"/sdk/{kind}", payload, key=key)
            assert [event["payload"] for event in good(ask(face, f"/_mock/events?kind={kind}", key))["events"]] == [payload]
