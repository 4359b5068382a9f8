"""What June published, word for word: the field tables and samples of its article *Backfill your events*, and the lines of its HTTP API pages."""

from __future__ import annotations

from typing import Any

from .files import FOLDER, schema

_USER = "optional if anonymousId is set instead | String | A unique id for the user in your database"
_TRAITS = "optional | Object | A dictionary of traits for a user, like email or name"

ROWS: dict[tuple[str, str], str] = {
    ("identify", "type"): "type | required, value: identify | String | The type of payload",
    ("identify", "userId"): f"userId | {_USER}",
    ("identify", "anonymousId"): f"userId | {_USER}",
    ("identify", "traits"): f"traits | {_TRAITS}",
    ("group", "type"): "type | required, value: group | String | The type of payload",
    ("group", "groupId"): "groupId | required | String | A unique id for the company in your database",
    ("group", "userId"): "userId | required | String | A unique id for the user in your database",
    ("group", "traits"): f"traits | {_TRAITS}",
    ("track", "type"): "type | required, value: track | String | The type of payload",
    ("track", "event"): "event | required | String | The name of the event that a user performed",
    ("track", "userId"): f"userId | {_USER}",
    ("track", "anonymousId"): f"userId | {_USER}",
    ("track", "timestamp"): "timestamp | required, ISO format with timezone set to UTC | String | The time at which the user performed the event",
    ("track", "email"): "email | optional if anonymousId is set | String | The email for the user who performed this event",
    ("track", "properties"): "properties | optional | Object | A dictionary of properties for the event, like revenue",
    ("track", "context"): "context | optional | Object | Additional context for the event",
}
"""The rows of the field tables, by kind and field: field, whether it is required, type, description. `anonymousId` has none but the one that names it."""

SAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "identify": ({"type": "identify", "userId": "1", "traits": {"name": "Elon Musk", "email": "[email protected]", "plan": "pro", "logins": 1}},),
    "group": ({"type": "group", "groupId": "A", "userId": "1", "traits": {"name": "SpaceX"}},),
    "track": (
        {"type": "track", "event": "Dashboard Loaded", "userId": "1", "timestamp": "2021-02-24T01:19:38.931Z", "email": "[email protected]"},
        {
            "type": "track",
            "event": "Registered",
            "userId": "1",
            "timestamp": "2021-02-24T01:19:38.931Z",
            "email": "[email protected]",
            "properties": {"plan": "pro"},
        },
    ),
}
"""The payloads of its Node and Python samples."""

HEADERS = "headers: Accept: 'application/json', 'Content-Type': 'application/json', Authorization: 'Basic <YOUR API KEY>'"
SUCCESS = "assert response.status_code == 200"
ANSWER = 'HTTP API pages, the answer: {"status": 200, "success": true}'
POST = "axios.post('https://api.june.so/api/identify', identify, options)"


def quote(contract: str, kind: str, field: str) -> str:
    """What is said of a member: the article's row, else what the schema file says of it."""
    if contract == "backfill" and (kind, field) in ROWS:
        return ROWS[kind, field]
    described: str = schema(contract, kind, FOLDER)["properties"].get(field, {}).get("description", "")
    return f"{field}: {described}" if described else ""
