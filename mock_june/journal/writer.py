"""The one writing connection: how a call becomes rows, and how rows go. Its caller holds the journal's lock and says what a transaction is."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson

from mock_june import wire
from mock_june.journal.ids import Ids
from mock_june.journal.place import APPLICATION_ID, VERSION
from mock_june.journal.words import Words
from mock_june.model import Call, Totals, Violation

TABLES = frozenset({"meta", "word", "call", "content", "event", "finding", "event_rule", "call_rule"})
"""Those of schema.sql."""

PAGE = 2048
"""Bytes. A call touches a dozen pages, one an index, and each goes whole into the log: half SQLite's default takes 7 us off a call of 44."""

AUTOCHECKPOINT = (16 << 20) // PAGE
"""Pages in the write-ahead log before a commit moves them into the file."""

LOG_LIMIT = 64 << 20
"""Bytes that the write-ahead log may have. It starts over when no reader is inside; where there always is one, the writer waits for it at this size."""

LOOK_AT_LOG = 512
"""Commits between two looks at the log's size."""

PATIENCE = 2.0
"""Seconds that the writer waits for readers, at LOG_LIMIT and at the end."""

CACHE_KIB = 8192

LONG = 200
"""Characters of an id or event name that are indexed as they are; a longer one is found by its digest."""

INSERT_CALL = "INSERT INTO call VALUES (?, ?, ?, ?, ?, ?)"
INSERT_CONTENT = "INSERT INTO content VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_EVENT = "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
INSERT_FINDING = "INSERT INTO finding VALUES (?, ?, ?)"
INSERT_EVENT_RULE = "INSERT INTO event_rule VALUES (?, ?)"
INSERT_CALL_RULE = "INSERT INTO call_rule VALUES (?, ?)"

Names = tuple[str | bytes | None, str | bytes | None, str | bytes | None, str | bytes | None]


def indexed(text: object) -> str | bytes | None:
    """How an id or event name stands in the tables: a String as it is, a long one as its digest; None for what is no String."""
    if type(text) is not str:
        return None
    return text if len(text) <= LONG else hashlib.blake2b(text.encode(), digest_size=16).digest()


def names(payload: object) -> Names:
    """userId, anonymousId, groupId and event of a payload, parsed or as JSON text."""
    if isinstance(payload, bytes):
        try:
            payload = orjson.loads(memoryview(payload))  # orjson takes no subclass of bytes, such as Raw
        except orjson.JSONDecodeError:  # not ours to judge: recorded all the same, and found by all else
            return (None, None, None, None)
    if not isinstance(payload, Mapping):
        return (None, None, None, None)
    get = payload.get
    return (indexed(get("userId")), indexed(get("anonymousId")), indexed(get("groupId")), indexed(get("event")))


class Writer:
    """Inserts and removes. Methods raise sqlite3.Error; what was begun is then to be rolled back."""

    def __init__(self, path: Path, synchronous: str, *, create: bool) -> None:
        self._log = path.with_name(path.name + "-wal")
        self._commits = 0
        uri = f"{path.as_uri()}?mode={'rwc' if create else 'rw'}"
        self.connection = sqlite3.connect(uri, timeout=PATIENCE, isolation_level=None, check_same_thread=False, uri=True)
        try:
            self._set_up(synchronous)
        except BaseException:
            self.connection.close()
            raise

    def _set_up(self, synchronous: str) -> None:
        self.cursor = self.connection.cursor()
        self.words = Words(self.cursor)
        self._execute = self.cursor.execute
        self._execute(f"PRAGMA synchronous = {synchronous}")
        self._execute(f"PRAGMA page_size = {PAGE}")  # of a new file; one that is there keeps its own
        tables = {name for (name,) in self._execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
        version = self.value("PRAGMA user_version")
        if tables if version == 0 else not tables >= TABLES:  # looked at before anything is written, be it the mode of its log
            raise sqlite3.DatabaseError("it bears a journal's marks, and not its tables")
        if version == 0:
            schema = files(__package__).joinpath("schema.sql").read_text(encoding="utf-8")
            marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION};"
            self.cursor.executescript(f"BEGIN IMMEDIATE; {marks} {schema} COMMIT;")
        if self.value("PRAGMA journal_mode = WAL") != "wal":
            raise sqlite3.OperationalError("no write-ahead log can be kept there")
        self._execute(f"PRAGMA wal_autocheckpoint = {AUTOCHECKPOINT}")
        self._execute(f"PRAGMA journal_size_limit = {LOG_LIMIT}")
        self._execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self._execute("PRAGMA secure_delete = OFF")  # some builds overwrite what is deleted: twice the writing

    def value(self, sql: str, parameters: tuple[Any, ...] = ()) -> Any:
        """The first column of the first row; None without a row."""
        row = self._execute(sql, parameters).fetchone()
        return None if row is None else row[0]

    def begin(self) -> None:
        """Opens a transaction."""
        self._execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """On record when it returns. Now and then it looks after the log, whose troubles are not the commit's."""
        self._execute("COMMIT")
        self._commits += 1
        if self._commits % LOOK_AT_LOG == 0:
            with contextlib.suppress(sqlite3.Error, OSError):
                if self._log.stat().st_size > LOG_LIMIT:
                    self.value("PRAGMA wal_checkpoint(TRUNCATE)")

    def rollback(self) -> None:
        """As if the transaction had never been; words that it brought are forgotten with it."""
        self.words.forget()
        self.connection.rollback()

    def close(self) -> None:
        """Leaves the file alone, without a log beside it. After an error of the disk the log may stay; the next one to open the file reads it."""
        try:
            self.value("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self.connection.close()

    def meta(self, name: str, default: Any = None) -> Any:
        """A value of the journal's own."""
        found = self.value("SELECT value FROM meta WHERE name = ?", (name,))
        return default if found is None else found

    def set_meta(self, name: str, value: Any) -> None:
        """Keeps a value of the journal's own."""
        self._execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", (name, value))

    def first(self) -> int:
        """The id of the oldest call; 0 without any."""
        number: int = self.value("SELECT ifnull(min(id), 0) FROM call")
        return number

    def remember(self, last_call: int, last_event: int) -> None:
        """Keeps the last ids, which after a deletion no row shows any more."""
        self.set_meta("last_call", last_call)
        self.set_meta("last_event", last_event)

    def totals(self, workspace: int | None = None) -> Totals:
        """Counts over a workspace (its word), or over all."""
        if workspace is not None:
            counts = "SELECT count(*), ifnull(sum(count), 0), ifnull(sum(NOT accepted), 0) FROM call INDEXED BY call_workspace WHERE workspace = ?"
            return Totals(*self._execute(counts, (workspace,)).fetchone())
        counts = "SELECT (SELECT count(*) FROM call), (SELECT count(*) FROM event), (SELECT count(*) FROM call WHERE accepted = 0)"
        calls, events, rejected = self._execute(counts).fetchone()
        return Totals(calls, events, rejected, self.meta("discarded", 0))

    def insert(self, calls: Sequence[Call], number: int, first: int) -> list[Ids]:
        """Writes calls, whose ids begin at `number`, and their events, whose ids begin at `first`. Gives the ids of each.

        A table at a time: that takes a third off what a call costs when many share a commit.
        """
        ids: list[Ids] = []
        call_rows: list[tuple[Any, ...]] = []
        content_rows: list[tuple[Any, ...]] = []
        event_rows: list[tuple[Any, ...]] = []
        number_of = self.words.number
        for call in calls:
            path, mark, query = call.path.partition("?")
            workspace = None if call.workspace is None else number_of("workspace", call.workspace)
            path_word = number_of("path", path)
            ids.append(Ids(number, first))
            call_rows.append((number, workspace, path_word, call.accepted, first, len(call.events)))
            content_rows.append(
                (
                    number,
                    call.at,
                    call.method,
                    query if mark else None,
                    call.status,
                    call.code,
                    call.duration_ms,
                    call.violations_total,
                    None if call.fault is None else wire.dumps(wire.fault(call.fault)),
                    _findings(call.violations),
                    orjson.dumps(call.headers),
                    call.answer or None,
                    call.body,
                )
            )
            whole = (0, len(call.body))
            for event in call.events:
                kind, contract = number_of("kind", event.kind), number_of("contract", event.contract)
                event_rows.append((first, number, workspace, path_word, call.accepted, kind, contract, *(event.span or whole), *names(event.payload)))
                first += 1
            number += 1
        self.cursor.executemany(INSERT_CALL, call_rows)
        self.cursor.executemany(INSERT_CONTENT, content_rows)
        self.cursor.executemany(INSERT_EVENT, event_rows)
        for call, own in zip(calls, ids, strict=True):
            self._insert_findings(call, own)
        return ids

    def _insert_findings(self, call: Call, ids: Ids) -> None:
        number_of = self.words.number
        rules = {violation.rule for violation in call.violations}
        for number, event in enumerate(call.events, ids.event):
            if not event.violations and not event.warnings:
                continue
            own = {finding.rule for finding in (*event.violations, *event.warnings)}
            rules |= own
            self._execute(INSERT_FINDING, (number, _findings(event.violations), _findings(event.warnings)))
            self.cursor.executemany(INSERT_EVENT_RULE, [(number, number_of("rule", rule)) for rule in own])
        if rules:
            self.cursor.executemany(INSERT_CALL_RULE, [(ids.call, number_of("rule", rule)) for rule in rules])


def _findings(found: tuple[Violation, ...]) -> bytes | None:
    return wire.dumps([wire.violation(finding) for finding in found]) if found else None
