"""Rows of the CSV files as June's payloads."""

from __future__ import annotations

import csv
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Row = dict[str, str]
Payload = dict[str, Any]

NAMESPACE = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")


def payloads(folder: Path) -> Iterator[Payload]:
    """All that is to be sent, always in the same order: each user, each user's company, each event."""
    users = {user["id"]: user for user in read(folder / "users.csv")}
    companies = {company["id"]: company for company in read(folder / "companies.csv")}
    for user in users.values():
        yield identify(user)
    for user in users.values():
        if user["company_id"]:
            yield group(user, companies[user["company_id"]])
    for event in read(folder / "events.csv"):
        yield track(event, users.get(event["user_id"]))


def read(path: Path) -> Iterator[Row]:
    """The rows of a file, by the names in its first line."""
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def identify(user: Row) -> Payload:
    """A user."""
    return {
        "type": "identify",
        "messageId": message_id("user", user["id"]),
        "userId": user["id"],
        "timestamp": utc(user["created_at"]),
        "traits": {"email": user["email"], "name": user["name"], "plan": user["plan"]},
    }


def group(user: Row, company: Row) -> Payload:
    """A user's company."""
    return {
        "type": "group",
        "messageId": message_id("member", f"{company['id']}/{user['id']}"),
        "groupId": company["id"],
        "userId": user["id"],
        "traits": {"name": company["name"], "industry": company["industry"]},
    }


def track(event: Row, user: Row | None) -> Payload:
    """What a user did, or a visitor whom nobody knows yet."""
    who = {"userId": user["id"], "email": user["email"]} if user is not None else {"anonymousId": event["anonymous_id"]}
    return {
        "type": "track",
        "messageId": message_id("event", event["id"]),
        "event": event["name"],
        **who,
        "timestamp": utc(event["occurred_at"]),
        "properties": json.loads(event["properties"] or "{}"),
    }


def utc(moment: str) -> str:
    """A moment with its offset, as June takes it: in UTC."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        raise ValueError(f"{moment} has no offset, so nobody can say when it was")
    return parsed.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def message_id(kind: str, number: str) -> str:
    """The same id for the same row in each run, so that a row which was sent twice can be seen."""
    return str(uuid.uuid5(NAMESPACE, f"{kind}:{number}"))
