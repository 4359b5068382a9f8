from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from mock_june.errors import JournalError
from mock_june.journal import Journal, writer
from mock_june.model import Filter, Totals
from tests.journal.made import call, event, track, violation


def test_the_oldest_go_first(path):
    """Over the limit the oldest calls go, with all that is theirs; how many went is counted, also after opening again."""
    bad = [violation("track.userId.required")]
    with closing(Journal.open(path, max_calls=3)) as journal:
        for n in range(7):
            journal.record(call(event({"userId": str(n)}, violations=bad), event({}), workspace=f"w{n}", path=f"/{n}", accepted=n % 2 == 0, violations=bad))
            assert [found.id for found in journal.calls(Filter())] == list(range(max(1, n - 1), n + 2))
            assert journal.first_id == max(1, n - 1)
        assert (journal.totals(None), journal.totals("w3"), journal.totals("w4")) == (Totals(3, 6, 1, 4), Totals(), Totals(1, 2, 0))
        counts = [
            journal._session.writer.value(f"SELECT count(*) FROM {table}") for table in ("call", "content", "event", "finding", "event_rule", "call_rule")
        ]
        assert counts == [3, 3, 6, 3, 3, 3]
        assert journal._session.writer.value("SELECT count(*) FROM word WHERE sort IN ('path', 'workspace')") == 6
    with closing(Journal.open(path, max_calls=3)) as journal:
        assert journal.totals(None) == Totals(3, 6, 1, 4)


def test_more_at_once_than_may_stay(path):
    """Of calls recorded together that are over the limit the last ones stay; under a lower limit than the last time, what is over it goes at the opening."""
    with closing(Journal.open(path, max_calls=3)) as journal:
        assert [recorded.id for recorded in journal.record_many([track()] * 5)] == [1, 2, 3, 4, 5]
        assert [found.id for found in journal.calls(Filter())] == [3, 4, 5]
    with closing(Journal.open(path, max_calls=2)) as journal:
        assert ([found.id for found in journal.calls(Filter())], journal.first_id) == ([4, 5], 4)
    with closing(Journal.open(path, max_calls=1)) as journal:
        assert [found.id for found in journal.calls(Filter())] == [5]
        assert (journal.first_id, journal.totals(None)) == (5, Totals(1, 1, 0, 4))


def test_ids_of_events_that_went(path):
    """The ids of events that went to keep to the limit are not used again, though no event is left to show them."""
    with closing(Journal.open(path, max_calls=1)) as journal:
        journal.record_many([track(), call()])
    with closing(Journal.open(path, max_calls=1)) as journal:
        assert journal.last_event_id == 1
        assert journal.record(track()).events[0].id == 2


def test_near_the_limit(path):
    """A journal never holds more than its limit; of a large one the oldest go some at a time, so that it holds up to a hundredth less."""
    with closing(Journal.open(path, max_calls=1000)) as journal:
        held = []
        for _ in range(300):
            journal.record_many([track()] * 5)
            held.append(journal.totals(None).calls)
        assert (max(held), min(held[200:])) == (1000, 990)
        assert journal.count_calls(Filter()) == journal.totals(None).calls == journal.last_id - journal.totals(None).discarded
        assert journal.first_id == journal.last_id - journal.totals(None).calls + 1


def test_the_log_stays_short(path, monkeypatch):
    """The write-ahead log does not grow on and on, though at every moment somebody reads."""
    monkeypatch.setattr(writer, "AUTOCHECKPOINT", 50)
    monkeypatch.setattr(writer, "LOG_LIMIT", 1 << 20)
    monkeypatch.setattr(writer, "LOOK_AT_LOG", 4)
    longest, done = 0, threading.Event()
    with closing(Journal.open(path)) as journal:
        baton = threading.Semaphore(1)

        def read() -> None:
            """Takes over from another reader before that one leaves."""
            while not done.is_set():
                with journal._session.snapshot() as connection:
                    connection.execute("SELECT count(*) FROM call").fetchone()
                    baton.release()
                    baton.acquire()
                    time.sleep(0.001)

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        for _ in range(100):
            journal.record(track(body=bytes(50_000)))
            longest = max(longest, path.with_name("journal.db-wal").stat().st_size)
        done.set()
        for reader in readers:
            baton.release()
            reader.join()
    assert longest < 2 << 20


MEMORY = """
import sys
from contextlib import suppress
from pathlib import Path
from mock_june.errors import UsageError
from mock_june.journal import Journal
from mock_june.model import Filter
from tests.journal.made import call, event
def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
calls, limit = int(sys.argv[1]), int(sys.argv[2])
journal, seen = Journal.open(None, max_calls=limit), []
for n in range(calls):
    journal.record(call(event({"userId": f"u{n}", "event": "Registered"}), workspace=f"w{n % 20_000}", path=f"/{n}", body=b"x" * 500))
    if n % (calls // 20) == calls // 20 - 1:
        with suppress(UsageError):  # a glob over so many paths is refused
            journal.calls(Filter(path="/1*"), limit=50)
        journal.events(Filter(user_id="u1")), journal.totals(f"w{n}")
        seen.append(resident())
journal.close()
print(max(seen[2:]) - seen[2])
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")
@pytest.mark.parametrize(("calls", "limit"), [(12_000, 2_000), pytest.param(1_000_000, 200_000, marks=pytest.mark.slow)])
def test_memory_stays_flat(child, calls, limit):
    """However many calls come, of however many paths and workspaces, memory grows no more than 32 MiB (threats R1)."""
    output, _ = child(MEMORY, calls, limit).communicate(timeout=900)
    assert int(output) < 32 << 20


def test_readers_while_one_writes(journal):
    """Each look of a reading thread is at one moment: calls whole, in order, none missing; and no look is older than what was recorded before it."""
    done, wrong = threading.Event(), []

    def read() -> None:
        while not done.is_set():
            sure = journal.last_id
            found = journal.calls(Filter(user_id="1"), max(0, sure - 50), 1000)
            ids = [each.id for each in found]
            if (
                ids != list(range(max(0, sure - 50) + 1, ids[-1] + 1 if ids else 1))
                or (sure and ids[-1] < sure)
                or any(len(each.events) != each.id % 3 + 1 for each in found)
            ):
                wrong.append(ids)
            if journal.count_events(Filter(kind="track")) < sure:
                wrong.append(sure)

    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for n in range(400):
        journal.record(call(*[event({"userId": "1"})] * ((n + 1) % 3 + 1)))
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_writers_of_many_threads(journal):
    """Threads that record at once, delete and count keep ids unique and counts right."""

    def write(name: str) -> None:
        for n in range(60):
            journal.record_many([track(workspace=name)] * (n % 3 + 1))
            if n % 20 == 19:
                journal.delete(name)
            journal.totals(name)

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.last_id == 4 * 120
    assert journal.totals(None).calls == journal.count_calls(Filter()) == 0
    assert journal.record(track()).id == 4 * 120 + 1


def test_closing_under_readers(path):
    """Closing breaks off whoever reads, with an error that says so, waits for none for long and leaves one file."""
    journal = Journal.open(path)
    journal.record_many([track(str(n), body=bytes(2000)) for n in range(3000)])
    ended: list[str] = []

    def pages() -> None:
        while True:
            journal.calls(Filter(path="/api/*", kind="track"), 0, 1000)

    def endless() -> None:
        with journal._session.snapshot() as connection:
            connection.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n").fetchone()

    def read(what: Callable[[], None]) -> None:
        try:
            what()
        except JournalError as error:
            ended.append(str(error))

    readers = [threading.Thread(target=read, args=(what,), daemon=True) for what in (pages, pages, pages, endless)]
    for reader in readers:
        reader.start()
    time.sleep(0.2)
    begun = time.process_time()
    journal.close()
    assert time.process_time() - begun < 2
    for reader in readers:
        reader.join(5)
    assert len(ended) == 4
    assert all("closed" in text or "interrupted" in text for text in ended)
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts in /proc")
def test_nothing_is_left_open(path):
    """Opened, used by threads and closed many times, a journal leaves no descriptor."""

    def use() -> None:
        with closing(Journal.open(path)) as journal:
            journal.record(track())
            threads = [threading.Thread(target=journal.calls, args=(Filter(),)) for _ in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    use()
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(10):
        use()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
