"""Rules across events: what no single payload shows. Warnings all, told at the end of a run, in memory that does not grow with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from mock_june import clock
from mock_june.checker.history.cases import Case, Cases, Share, part
from mock_june.checker.history.days import Days, micros, written
from mock_june.checker.history.glance import AT, Glance, extract
from mock_june.checker.history.ids import Company, Shared, User
from mock_june.checker.history.ledger import Ledger, S, Store
from mock_june.checker.report import Finding, Record
from mock_june.contract.rules import HISTORY_RULES
from mock_june.contract.values import quoted
from mock_june.errors import UsageError
from mock_june.model import Checked, Violation
from mock_june.text import counted, printable

LIMIT = 20_000_000
"""Events up to which each rule is exact, with some 45 bytes of disk an event. Beyond, see `History.note`."""

KEPT = 10_000
"""Ids of each sort that are followed in memory; those that come later are followed on disk, and as exactly."""

BATCH = 1024
"""Events that wait to be looked at together."""

MANY_USERS = {"anonymousId": 5, "email": 3}
"""How many users of one anonymousId, or of one email, are too many: a few share a computer, hardly two an address."""

ELSEWHERE: dict[tuple[str | None, str], str] = {
    **{(kind, "/groupId"): "/context/groupId" for kind in ("identify", "track", "page", "screen", "alias")},
    **{(kind, "/email"): "/traits/email" for kind in ("identify", "group")},
}
"""Where a kind has a member that others have at their top."""


class History:
    """Looks at the events of a run one by one, in the order of the files and their lines, and tells at the end which of HISTORY_RULES they break.

    `now` (RFC 3339; None: the clock's) is the moment after which the future begins. Of the rules, only those `in_force` are told. `limit` is the number of
    events up to which all is exact, `kept` the number of ids of each sort that are in memory. Raises UsageError for a `now` that is no time, MockJuneError
    for a full disk.
    """

    def __init__(self, now: str | None = None, *, in_force: Collection[str] = tuple(HISTORY_RULES), limit: int = LIMIT, kept: int = KEPT) -> None:
        at = micros(clock.now() if now is None else now)
        if at is None:
            raise UsageError(f"{now!r} is no time: write it as 2021-02-24T01:19:38Z")
        self.untold: Counter[str] = Counter()
        """Of each rule, how many cases came on top of those that `findings` gave."""

        self._now = at
        self._in_force = in_force
        self._limit = limit
        self._n = 0
        self._waiting: list[Glance] = []
        self._files: dict[str, int] = {}
        self._names: list[str] = []
        self._last_file = ""
        self._cases = {rule: Cases() for rule in HISTORY_RULES}
        self._days = Days()
        self._store = store = Store()
        self._events = store.table("event", "n INTEGER PRIMARY KEY, file INTEGER, line INTEGER, start INTEGER, kind TEXT, whole INTEGER, message INTEGER")
        self._users = Ledger(store, "user", User, 3, kept)
        self._companies = Ledger(store, "company", Company, 1, kept)
        self._visitors = Ledger(store, "visitor", Shared, 1, kept)
        self._emails = Ledger(store, "email", Shared, 1, kept)

    @property
    def note(self) -> str:
        """How exact the findings are, for people."""
        seen = self._n + len(self._waiting)
        if seen <= self._limit:
            return f"history: exact, over {seen:,} events"
        return (
            f"history: dates, times and the future are exact, over {seen:,} events; ids and doubles are those of the first {self._limit:,}, "
            "and what may yet come for an id (an identify, a company's traits) is not looked at"
        )

    def look(self, record: Record, event: Checked) -> None:
        """The next event."""
        self.take(extract(record, event))

    def take(self, glance: Glance) -> None:
        """The next event, as `extract` gave it."""
        self._waiting.append(glance)
        if len(self._waiting) >= BATCH:
            self._look()

    def _look(self) -> None:
        """Looks at the events that wait, rule by rule."""
        glances, self._waiting = self._waiting, []
        if not glances:
            return
        self._last_file = glances[-1][0]
        first = self._n + 1
        self._n += len(glances)
        numbers = range(first, self._n + 1)
        times = [glance[AT] for glance in glances]
        self._days.see(zip(numbers, times, strict=True))
        for n, at in zip(numbers, times, strict=True):
            if at is not None and at > self._now:
                self._cases["history.future"].add(n, "/timestamp", f"timestamp is {written(at)}, and now is {written(self._now)}")
        del glances[max(0, self._limit + 1 - first) :]
        if glances:
            self._follow(first, glances)

    def _follow(self, first: int, glances: list[Glance]) -> None:
        """Takes down what the rules about ids and doubles need of events, the first of which has the number `first`."""
        files, lines, starts, kinds, users, visitors, companies, emails, messages, wholes, times, tells = zip(*glances, strict=True)
        numbers = range(first, first + len(glances))
        places = list(map(self._file, files))
        # Python's own hash has 64 bits and a secret key, and never leaves this process.
        named = [None if message is None else hash(message) for message in messages]
        self._events.add(zip(numbers, places, lines, starts, kinds, wholes, named, strict=True))
        identifies = [tell and kind == "identify" for tell, kind in zip(tells, kinds, strict=True)]
        self._users.see(zip(users, numbers, zip(places, times, identifies, strict=True), strict=True))
        self._companies.see(zip(companies, numbers, [(tell and kind == "group",) for tell, kind in zip(tells, kinds, strict=True)], strict=True))
        who = [(None if user is None else hash(user),) for user in users]
        self._visitors.see(zip(visitors, numbers, who, strict=True))
        self._emails.see(zip(emails, numbers, who, strict=True))

    def _file(self, name: str) -> int:
        """The number of a file. One that comes again after another is the same again."""
        return self._files.setdefault(name, len(self._files))

    def findings(self) -> Iterator[Finding]:
        """What was found, rule by rule in the order of HISTORY_RULES, each in the order of the events. Called once, at the end."""
        self._look()
        self._names = list(self._files)
        self._find_doubles()
        self._find_of_users()
        self._find_of_companies()
        self._find_shared()
        self._find_of_days()
        for rule, cases in self._cases.items():
            told = cases.told() if rule in self._in_force else []
            for index, case in enumerate(told, 1):
                more = cases.count - len(told) if index == len(told) else 0
                self.untold[rule] += more
                yield self._finding(rule, case, f"; {more:,} more cases of {rule} are not shown" if more else "")

    def close(self) -> None:
        """Gives disk and memory back."""
        self._store.close()

    def _find_doubles(self) -> None:
        for rule, column, pointer, what in (
            ("history.duplicate-message", "message", "/messageId", "messageId came before"),
            ("history.duplicate-event", "whole", "", "the very same event came before"),
        ):
            query = f"SELECT min(n), max(n), count(*) FROM event WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"  # noqa: S608 - a name of ours
            cases = self._cases[rule]
            for first, last, count in self._store.rows(query):
                cases.add(last, pointer, f"{what}: this is {_nth(count)}", first)

    def _each(self, ledger: Ledger[S], what: str) -> Iterator[tuple[str, S]]:
        """Each id of a sort with its state, and at their end the case of one that has too much of all events."""
        share = Share(what, f"/{what}")
        for key, state in ledger.states():
            share.see(key, state.first, state.events)
            yield key, state
        share.tell(self._cases["history.outsized"])

    def _find_of_users(self) -> None:
        whole = self._n <= self._limit
        for user, state in self._each(self._users, "userId"):
            if whole and not state.identified:
                message = f"the user {quoted(user)} is never identified, and has {counted(state.events, 'event')}"
                self._cases["history.never-identified"].add(state.first, "/userId", message)
            if back := state.backwards:
                message = f"time runs backwards for the user {quoted(user)}: {written(back.at)} comes after {written(back.after)}"
                message += f", the first of {back.times:,} times" if back.times > 1 else ""
                self._cases["history.time-backwards"].add(back.n, "/timestamp", message)

    def _find_of_companies(self) -> None:
        whole = self._n <= self._limit
        for company, state in self._each(self._companies, "groupId"):
            if whole and not state.described:
                message = f"the group {quoted(company)} is never sent with a company's traits, and has {counted(state.events, 'event')}"
                self._cases["history.group-without-traits"].add(state.first, "/groupId", message)

    def _find_shared(self) -> None:
        for visitor, state in self._each(self._visitors, "anonymousId"):
            if state.users >= MANY_USERS["anonymousId"]:
                message = f"the anonymousId {quoted(visitor)} is on {state.users:,} users"
                self._cases["history.anonymous-on-many-users"].add(state.last, "/anonymousId", message)
        for email, state in self._emails.states():
            if state.users >= MANY_USERS["email"]:
                self._cases["history.email-on-many-users"].add(state.last, "/email", f"the email {quoted(email)} is on {state.users:,} users")

    def _find_of_days(self) -> None:
        days = self._days
        if crowded := days.crowded():
            day, count, first = crowded
            message = f"{part(count, days.timed)} of all events with a timestamp are of one day, {day}"
            self._cases["history.one-day"].add(first, "/timestamp", message)
        if days.is_midnight():
            message = f"{part(days.midnight, days.timed)} of all events with a timestamp are of 00:00:00 exactly"
            self._cases["history.midnight"].add(days.first_midnight, "/timestamp", message)
        if hole := days.hole():
            start, stop, hours, on = hole
            message = f"no event is ever between {start:02}:00 and {stop:02}:00, though events are in {hours:,} hours of {on:,} days"
            self._cases["history.local-time"].add(days.first, "/timestamp", message)

    def _finding(self, rule: str, case: Case, more: str) -> Finding:
        file, line, start, kind = self._place(-case.minus_n)
        message = case.message
        if case.other:
            its_file, its_line, *_ = self._place(case.other)
            message += f", and the first is at {printable(its_file)}:{its_line}"
        pointer = ELSEWHERE.get((kind, case.pointer), case.pointer)
        return Finding(Violation(rule, pointer, message + more, HISTORY_RULES[rule], "warning", pointer), file, line, start, kind)

    def _place(self, n: int) -> tuple[str, int, int, str | None]:
        """File, line, offset and kind of an event. Of one beyond the limit there is the file that came last, and line 0."""
        row = next(self._store.rows("SELECT file, line, start, kind FROM event WHERE n = ?", (n,)), None)
        return (self._names[row[0]], row[1], row[2], str(row[3])) if row else (self._last_file, 0, 0, None)


def _nth(count: int) -> str:
    return "the second" if count == 2 else f"the last of {count:,}"
