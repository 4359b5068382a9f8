"""What is sent: the article's own samples, one broken, and batches as an SDK makes them. A request is bytes, ready for the socket."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

KEY = "secret_api_key"

SAMPLES: dict[str, dict[str, Any]] = {
    "identify": {"type": "identify", "userId": "1", "traits": {"name": "Elon Musk", "email": "elon@example.com", "plan": "pro", "logins": 1}},
    "group": {"type": "group", "groupId": "A", "userId": "1", "traits": {"name": "SpaceX"}},
    "track": {
        "type": "track",
        "event": "Registered",
        "userId": "1",
        "timestamp": "2021-02-24T01:19:38.931Z",
        "email": "elon@example.com",
        "properties": {"plan": "pro"},
    },
}
"""The article's payloads by kind. Its addresses are shown obfuscated there, which would cost mock-june a warning that no peer gives."""

BATCHED = 100
"""Events in one batch: what June's own SDK for Python sends at most."""


@dataclass(frozen=True, slots=True)
class Post:
    """One POST of JSON."""

    path: str
    body: bytes

    def bytes(self) -> bytes:
        """The whole request as HTTP/1.1 has it, the connection kept."""
        fields = ("Host: 127.0.0.1", f"Authorization: Basic {KEY}", "Content-Type: application/json", f"Content-Length: {len(self.body)}")
        return "\r\n".join((f"POST {self.path} HTTP/1.1", *fields, "", "")).encode() + self.body


def post(kind: str, payload: dict[str, Any]) -> Post:
    """A payload on its way to the article's endpoint of its kind."""
    return Post(f"/api/{kind}", json.dumps(payload).encode())


GOOD = [post(kind, payload) for kind, payload in SAMPLES.items()]
"""One good call for each of the three routes."""

BROKEN = post("track", {**SAMPLES["track"], "timestamp": "2021-02-24T01:19:38.931"})
"""A call that must be refused: its timestamp has no timezone."""


def batch(number: int, size: int = BATCHED) -> Post:
    """A batch of track events, no two alike, as the SDKs write them."""
    events = [
        {
            "type": "track",
            "event": f"Event {serial % 40}",
            "userId": f"user-{serial % 1000}",
            "anonymousId": None,
            "timestamp": f"2021-02-24T{serial // 3600 % 24:02}:{serial // 60 % 60:02}:{serial % 60:02}.931Z",
            "messageId": f"message-{serial}",
            "properties": {"plan": "pro", "serial": serial},
            "context": {"groupId": f"company-{serial % 50}", "library": {"name": "analytics-python", "version": "2.3.0"}},
            "integrations": {},
        }
        for serial in range(number * size, (number + 1) * size)
    ]
    return Post("/sdk/batch", json.dumps({"batch": events, "sentAt": "2021-02-24T01:19:39.000Z"}).encode())
