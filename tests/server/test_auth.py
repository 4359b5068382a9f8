"""Who calls: every spelling of the key in the wild, what is no key, and the hiding of keys from all that is kept or shown."""

from __future__ import annotations

import base64
import time
from itertools import starmap

import orjson
import pytest

from mock_june.model import ApiKey
from mock_june.server.auth import Hider, Keys, key_from_basic, write_key
from tests.server.faces import PAGE, TRACK, Face, assert_refusal, assert_success

KEY = "secret_api_key"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS = [
    f"Basic {KEY}",
    f"basic {KEY}",
    f"BASIC {KEY}",
    f"Basic  {KEY} ",
    f"Basic {b64(KEY + ':')}",
    f"bAsIc {b64(KEY + ':')}",
    f"Basic {b64(KEY + ':a password')}",
]
ONLY_GIVEN = f"Basic {b64(KEY)}"
NO_KEYS = ["", "Basic", "Basic ", "basic", f"Bearer {KEY}", f"Token {KEY}", KEY, "Basic Og==", f"Basic {b64(':password')}", "Digest username=x"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_each_spelling_of_basic_is_the_key(spelling: str):
    """The key as it is, as user name of RFC 7617 with or without a password, under a scheme of any case."""
    assert key_from_basic(spelling) == KEY


@pytest.mark.parametrize("spelling", NO_KEYS)
def test_what_is_no_key(spelling: str):
    """Nothing, another scheme, an empty user name."""
    assert key_from_basic(spelling) is None


@pytest.mark.parametrize(
    "key",
    ["<YOUR API KEY>", "a:b", "YWJj", "YWJjZA==", "x" * 300, "k\u00e4", b64("\x00bin:ary"), b64("caf\u00e9") + "=", "===="],
)
def test_any_other_text_is_the_key_as_it_stands(key: str):
    """What is not base64 of printable text with a colon in it is the key itself."""
    assert key_from_basic(f"Basic {key}") == key


def test_base64_without_a_colon_counts_when_it_is_a_given_key():
    """The Node half of June's analytics-next sends base64(key); that is the key when the fake was started with it, else it is a key of its own."""
    assert key_from_basic(ONLY_GIVEN, {KEY}) == KEY
    assert key_from_basic(ONLY_GIVEN) == b64(KEY)
    assert key_from_basic(ONLY_GIVEN, {"another"}) == b64(KEY)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"writeKey": "abc"}', "abc"),
        (b'{"writeKey": "a", "writeKey": "b"}', "b"),
        (b'{"writeKey": ""}', None),
        (b'{"writeKey": 5}', None),
        (b'{"writeKey": null}', None),
        (b'{"a": {"writeKey": "abc"}}', None),
        (b'["writeKey"]', None),
        (b'{"writeKey": "abc"', None),
        (b"\xffwriteKey", None),
        (b"", None),
    ],
)
def test_the_write_key_of_a_body(body: bytes, key: str | None):
    """The browser's key is the body's own `writeKey`, a string that is not empty."""
    assert write_key(body) == key


def test_a_header_outranks_the_body():
    """Where there is an Authorization header, wrong or not, the body's key does not count."""
    keys = Keys()
    assert keys.key_of([("authorization", "Basic header")], "body") == ApiKey("header")
    assert keys.key_of([("authorization", "Bearer x")], "body") is None
    assert keys.key_of([], "body") == ApiKey("body")


def test_keys_come_and_go():
    """A key that is added is good from then on, one that is discarded is not, and neither lives on in a cache."""
    keys = Keys(strict=True)
    asked = [("authorization", ONLY_GIVEN)]
    assert keys.key_of(asked) is None
    keys.add(KEY)
    assert keys.key_of(asked) == ApiKey(KEY)
    keys.discard(KEY)
    assert keys.key_of(asked) is None


@pytest.mark.parametrize("part", ['<"= />', "\\", "\\/", '\\"', "~0", "%25", " +"])
def test_a_key_of_odd_letters_takes_no_long_search(part):
    """A body that has all of such a key but its end is searched in a moment: no letter is tried in two ways that come to the same (threat R4)."""
    almost = part * 30
    hider, key = Hider(()), ApiKey(almost + "-the-end")
    begun = time.monotonic()
    for text in (almost, orjson.dumps(almost).decode(), orjson.dumps(orjson.dumps(almost).decode()).decode()):
        hider.body(orjson.dumps({"groupId": text}), key)
        hider.text(text, key)
    assert time.monotonic() - begun < 2


def test_the_cache_of_spellings_stays_small():
    """A client that sends another key each time does not fill the memory."""
    keys = Keys()
    for number in range(5000):
        keys.key_of([("authorization", f"Basic {number}")])
    assert len(keys._cache) <= 1024


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("path", ["/api/track", "/sdk/track", "/v1/t"])
def test_each_spelling_is_taken_on_the_wire(make_face, spelling: str, path: str):
    """Every spelling opens the workspace of the one key, in both contracts, with keys given and without."""
    for keys in ((), (KEY,)):
        face = make_face(keys)
        assert_success(face.post(path, TRACK, headers={"Authorization": spelling}))
        assert [call.status for call in face.calls(KEY)] == [200]


def test_base64_of_a_given_key_is_taken_on_the_wire(make_face):
    """base64(key) is the workspace of the key that was given."""
    face = make_face((KEY,))
    assert_success(face.post("/sdk/track", TRACK, headers={"Authorization": ONLY_GIVEN}))
    assert len(face.calls(KEY)) == 1


@pytest.mark.parametrize("spelling", NO_KEYS)
@pytest.mark.parametrize("path", ["/api/track", "/sdk/batch"])
def test_without_a_key_a_call_is_401(face: Face, spelling: str, path: str):
    """No key in the header: 401 with the challenge, on record in no workspace, with what was sent."""
    body = assert_refusal(face.post(path, TRACK, headers={"Authorization": spelling}), 401, "unauthorized")
    assert "Authorization: Basic" in body["message"]
    call = face.last()
    assert (call.workspace, call.status, call.code, call.accepted, call.path) == (None, 401, "unauthorized", False, path)


def test_no_header_at_all_is_401(face: Face):
    """Without an Authorization header, the backfill contract has no key."""
    assert_refusal(face.post("/api/track", TRACK), 401, "unauthorized")


@pytest.mark.parametrize("where", ["query", "x-api-key", "cookie"])
def test_a_key_elsewhere_is_none(face: Face, where: str):
    """A key in the query, a cookie or another header is no key."""
    path = f"/api/track?key={KEY}" if where == "query" else "/api/track"
    headers = {"x-api-key": {"X-Api-Key": KEY}, "cookie": {"Cookie": f"key={KEY}"}}.get(where, {})
    assert_refusal(face.post(path, TRACK, headers=headers), 401, "unauthorized")


@pytest.mark.parametrize("second", [f"Basic {KEY}", "Basic another", "Bearer x"])
def test_two_headers_are_no_key(face: Face, second: str):
    """Two Authorization headers contradict each other: 401, also where the host joins them by a comma."""
    headers = [("Authorization", f"Basic {KEY}"), ("Authorization", second)]
    assert_refusal(face.post("/api/track", TRACK, headers=headers), 401, "unauthorized")


def test_only_given_keys_are_good(make_face):
    """With keys given, any other is 401, in header and body; each given one has a workspace of its own."""
    face = make_face((KEY, "another_key"))
    assert_success(face.post("/api/track", TRACK, key=KEY))
    assert_success(face.post("/api/track", TRACK, key="another_key"))
    body = assert_refusal(face.post("/api/track", TRACK, key="wrong"), 401, "unauthorized")
    assert "not one that is taken here" in body["message"]
    assert_refusal(face.post("/sdk/page", PAGE | {"writeKey": "wrong"}), 401, "unauthorized")
    assert_success(face.post("/sdk/page", PAGE | {"writeKey": KEY}))
    assert (len(face.calls(KEY)), len(face.calls("another_key"))) == (2, 1)


@pytest.mark.parametrize("path", ["/sdk/page", "/v1/p", "/api/page"])
def test_the_browsers_write_key_is_the_key(face: Face, key: str, path: str):
    """The browser half of June's SDK sends no Authorization: its key lies in the body. In the sdk contract alone."""
    assert_success(face.post(path, PAGE | {"writeKey": key}))
    assert len(face.calls(key)) == 1


def test_a_batch_and_the_counters_have_a_write_key_too(face: Face, key: str):
    """An envelope's `writeKey` is its call's key."""
    assert_success(face.post("/sdk/b", {"batch": [PAGE], "writeKey": key}))
    assert_success(face.post("/sdk/m", {"series": [], "writeKey": key}))
    assert [call.path for call in face.calls(key)] == ["/sdk/b", "/sdk/m"]


def test_the_backfill_contract_knows_no_write_key(face: Face, key: str):
    """The article's API wants the header."""
    assert_refusal(face.post("/api/track", TRACK | {"writeKey": key}), 401, "unauthorized")


def test_a_body_that_cannot_be_read_has_no_write_key(face: Face, key: str):
    """Without a header, no key can come out of broken JSON: 401, not 400."""
    assert_refusal(face.post("/sdk/page", b'{"writeKey": "' + key.encode() + b'"'), 401, "unauthorized")


def test_text_plain_is_what_send_beacon_sends(face: Face, key: str):
    """A page that is left sends its last batch by sendBeacon, as text/plain."""
    sent = {"batch": [PAGE], "writeKey": key}
    assert_success(face.post("/sdk/b", sent, headers={"Content-Type": "text/plain;charset=UTF-8"}))
    assert len(face.calls(key)) == 1


LONG = "a-long-secret-key"
MASKED = "a-lo…"


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize("given", [True, False])
def test_no_key_is_on_record_whole(make_face, given: bool, accepted: bool):
    """A key stands nowhere in the record of a call, whether it was refused or not, and however often the client sent it."""
    face = make_face((LONG,) if given else ())
    payload = TRACK | {"writeKey": LONG, "properties": {"note": f"my key is {LONG}", LONG: [LONG]}} | ({} if accepted else {"event": {"x": LONG}})
    headers = [
        ("Authorization", f"Basic {LONG}"),
        ("X-Api-Key", LONG),
        ("Cookie", f"session=1; key={LONG}"),
        ("Proxy-Authorization", f"Basic {b64(LONG + ':')}"),
        ("X-Note", f"is {LONG} here"),
        ("User-Agent", "a client"),
    ]
    reply = face.post(f"/api/track?api_key={LONG}&a=1&note={LONG}", payload, headers=headers)
    assert reply.status == (200 if accepted else 400)
    (call,) = face.calls(LONG)
    shown = repr(call).encode() + call.body + call.answer + reply.body + b"".join(bytes(event.payload) for event in call.events)
    assert LONG.encode() not in shown
    assert b64(LONG + ":") not in repr(call)
    said = dict(call.headers)
    assert said["authorization"] == f"Basic {MASKED}"
    assert said["x-note"] == f"is {MASKED} here"
    assert said["user-agent"] == "a client"
    assert call.path == f"/api/track?api_key=…&a=1&note={MASKED}"
    assert len(call.body) == len(orjson.dumps(payload))
    assert call.workspace == ApiKey(LONG).masked or LONG not in str(call.workspace)


def test_other_given_keys_are_hidden_in_every_call(make_face):
    """A key that the fake was started with is hidden wherever it stands, in calls without a key and without a route as well."""
    face = make_face((LONG, "another-secret-key"))
    assert_success(face.post("/api/track", TRACK | {"properties": {"k": "another-secret-key"}}, key=LONG))
    assert b"another-secret-key" not in face.last().body
    face.post("/api/track", TRACK | {"properties": {"k": LONG}})
    assert LONG.encode() not in face.last().body
    assert face.last().status == 401
    face.post(f"/nowhere/{LONG}?a={LONG}", {"k": LONG}, headers={"X-Note": LONG})
    assert LONG not in repr(face.last())


def test_a_write_key_is_hidden_whatever_its_length(face: Face):
    """`writeKey` is a key by its place: hidden by as many stars, also where it is short, and the rest of the body stays."""
    assert_success(face.post("/sdk/page", PAGE | {"writeKey": "abc", "properties": {"t": "abcabc"}}))
    sent = orjson.dumps(PAGE | {"writeKey": "***", "properties": {"t": "abcabc"}})
    assert face.last().body == sent


def test_a_short_key_does_not_mutilate_a_payload(face: Face):
    """A key of one letter occurs everywhere: it is hidden where a key stands, and nowhere else."""
    assert_success(face.post("/api/track?a=e", TRACK, key="e"))
    call = face.last()
    assert call.body == orjson.dumps(TRACK)
    assert call.path == "/api/track?a=e"
    assert dict(call.headers)["authorization"] == "Basic …"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'{"k":"a-long-secret-key"}', b'{"k":"' + b"*" * 17 + b'"}'),
        (b'{"writeKey" : "x\\"y"}', b'{"writeKey" : "****"}'),
        (b'{"writekey":"xy"}', b'{"writekey":"**"}'),
        (b'{"writeKey":5}', b'{"writeKey":5}'),
        (b"a-long-secret-key is no json", b"*" * 17 + b" is no json"),
        (b"nothing", b"nothing"),
    ],
)
def test_a_body_keeps_its_length(before: bytes, after: bytes):
    """Hiding overwrites, so that the places in a body stay what they were."""
    assert Hider(()).body(before, ApiKey(LONG)) == after


def test_a_key_with_letters_that_json_escapes_is_hidden():
    """A key is hidden in JSON's spelling of it as well."""
    key = 'quo"te\\d-key'
    body = orjson.dumps({"k": key})
    assert Hider(()).body(body, ApiKey(key)) == b'{"k":"' + b"*" * (len(body) - 8) + b'"}'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/api/track?key=k&x=1", "/api/track?key=…&x=1"),
        ("/api/track?x=1&writeKey=k", "/api/track?x=1&writeKey=…"),
        ("/api/track?API_KEY=k#f", "/api/track?API_KEY=…#f"),
        ("/api/track?token=", "/api/track?token=…"),
        ("/api/track?monkey=k", "/api/track?monkey=k"),
        ("/api/track/a-long-secret-key", "/api/track/a-lo…"),
        ("/api/track", "/api/track"),
    ],
)
def test_a_path_without_its_keys(before: str, after: str):
    """Parameters that carry a key by their name are hidden whole."""
    assert Hider(()).path(before, ApiKey(LONG)) == after


def test_a_key_shows_itself_nowhere():
    """`repr` and `str` of a key are masked, of a short one entirely."""
    assert list(starmap(format, [(ApiKey(LONG), ""), (ApiKey("short"), "")])) == [f"ApiKey({MASKED})", "ApiKey(…)"]
