"""What is known of each id in a run of any length: the first ids in memory, those that come later on disk. Exact, and bounded in memory.

The disk's part is SQLite's: a private temporary file that no name leads to and that goes when the process goes (in SQLITE_TMPDIR, TMPDIR or /var/tmp).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, Generic, Protocol, TypeVar

from mock_june.errors import MockJuneError

CACHE_KIB = 4096
"""Memory of SQLite: so much for pages, and as much again while it sorts."""

Fact = int | bool | None
Facts = Sequence[Fact]


class State(Protocol):
    """What is known of one id: the number of the first event that speaks of it, and how many do."""

    first: int
    events: int

    def see(self, n: int, /, facts: Facts) -> None:
        """The event of number `n` speaks of it."""


S = TypeVar("S", bound=State)


class Store:
    """Tables on disk that only grow. Raises MockJuneError where the disk cannot take them."""

    def __init__(self) -> None:
        with _disk():
            self._connection = sqlite3.connect("", isolation_level=None)
            for pragma in (f"cache_size = -{CACHE_KIB}", "temp_store = FILE", "journal_mode = OFF", "synchronous = OFF"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute("BEGIN")

    def table(self, name: str, columns: str) -> Table:
        """A new table."""
        with _disk():
            self._connection.execute(f"CREATE TABLE {name} ({columns})")
        return Table(self, f"INSERT INTO {name} VALUES ({', '.join('?' for _ in columns.split(','))})")  # noqa: S608 - a name of ours

    def rows(self, query: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a query."""
        with _disk():
            yield from self._connection.execute(query, values)

    def write(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        """Rows into a table."""
        with _disk():
            self._connection.executemany(query, rows)

    def close(self) -> None:
        """Gives the disk back."""
        self._connection.close()


class Table:
    """One table of a store."""

    def __init__(self, store: Store, insert: str) -> None:
        self._store = store
        self._insert = insert

    def add(self, rows: Iterable[Sequence[object]]) -> None:
        """More rows."""
        self._store.write(self._insert, rows)


class Ledger(Generic[S]):
    """The states of ids, each of which sees its own events in their order. `make` makes one, of the number of the event that first speaks of it.

    The first `kept` ids have their states in memory throughout; the events of all others wait on disk until the end, `facts` columns each.
    """

    def __init__(self, store: Store, name: str, make: Callable[[int], S], facts: int, kept: int) -> None:
        self._store = store
        self._name = name
        self._make = make
        self._kept = kept
        self._states: dict[str, S] = {}
        self._late = store.table(name, ", ".join(("key TEXT", "n INTEGER", *(f"fact{index} INTEGER" for index in range(facts)))))

    def see(self, events: Iterable[tuple[str | None, int, Facts]]) -> None:
        """Some events: the id that each speaks of, or None, its number, and what the state is to know."""
        states, kept = self._states, self._kept
        late: list[Sequence[object]] = []
        for key, n, facts in events:
            if key is None:
                continue
            state = states.get(key)
            if state is None:
                if len(states) >= kept:
                    late.append((key, n, *facts))
                    continue
                state = states[key] = self._make(n)
            state.see(n, facts)
        if late:
            self._late.add(late)

    def states(self) -> Iterator[tuple[str, S]]:
        """Each id with its state, in no order that means anything."""
        yield from self._states.items()
        rows = self._store.rows(f"SELECT * FROM {self._name} ORDER BY key, n")  # noqa: S608 - a name of ours
        for key, events in groupby(rows, itemgetter(0)):
            state: S | None = None
            for _, n, *facts in events:
                state = state or self._make(n)
                state.see(n, facts)
            if state is not None:
                yield key, state


@contextmanager
def _disk() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise MockJuneError(f"the history's temporary file cannot be written ({error}): free the disk, or set TMPDIR to a folder with room") from None
