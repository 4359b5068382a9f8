"""Records what came in one turn of the loop in one transaction: concurrent calls share a commit.

Under `--durable`, where a commit waits for the disk, it is made in a thread, and the calls that come meanwhile share the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from mock_june.journal import Ids, Journal
from mock_june.model import Call

Done = Callable[[Ids | Exception], None]
"""Is told of the ids that a call has on record, or of what kept it from being recorded. It must not raise: others wait behind it."""


class Recorder:
    """One to a loop, and used on it alone."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._waiting: list[tuple[Call, Done]] = []
        self._busy = False

    def add(self, call: Call, done: Done) -> None:
        """Records a call soon, and tells `done` of it, on the loop."""
        self._waiting.append((call, done))
        if not self._busy:
            self._busy = True
            asyncio.get_running_loop().call_soon(self._flush)

    async def record(self, call: Call) -> Ids:
        """The ids that a call has on record. Raises JournalUnwritableError, or whatever else kept it from being recorded."""
        future: asyncio.Future[Ids] = asyncio.get_running_loop().create_future()
        self.add(call, partial(_settle, future))
        return await future

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        calls = [call for call, _ in waiting]
        if self._journal.durable:
            self._task = asyncio.get_running_loop().create_task(self._commit_in_thread(waiting, calls))  # held: the loop keeps only a weak reference
            return
        self._busy = False
        results: Sequence[Ids | Exception]
        try:
            results = self._journal.write_many(calls)
        except Exception as error:  # noqa: BLE001 - each of those who wait has it
            results = [error] * len(waiting)
        _tell(waiting, results)

    async def _commit_in_thread(self, waiting: list[tuple[Call, Done]], calls: list[Call]) -> None:
        results: Sequence[Ids | Exception]
        try:
            results = await asyncio.to_thread(self._journal.write_many, calls)
        except Exception as error:  # noqa: BLE001 - each of those who wait has it
            results = [error] * len(waiting)
        if self._waiting:
            self._flush()
        else:
            self._busy = False
        _tell(waiting, results)


def _tell(waiting: list[tuple[Call, Done]], results: Sequence[Ids | Exception]) -> None:
    for (_, done), result in zip(waiting, results, strict=True):
        done(result)


def _settle(future: asyncio.Future[Ids], result: Ids | Exception) -> None:
    """Ends the wait of one that may have given up meanwhile."""
    if future.done():
        return
    if isinstance(result, Exception):
        future.set_exception(result)
    else:
        future.set_result(result)
