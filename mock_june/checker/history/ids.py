"""What is known of one id: of a user, of a company, of what many users may share. Events are numbers, in their order from 1; times microseconds."""

from __future__ import annotations

from dataclasses import dataclass

from mock_june.checker.history.ledger import Fact, Facts


@dataclass(slots=True)
class Backwards:
    """Where time first ran backwards: the event, its time and the later one of the event before it; and how often it did in all."""

    n: int
    at: int
    after: int
    times: int = 1


@dataclass(slots=True)
class User:
    """A user: facts are the file's number, the time or None, whether it is an identify."""

    first: int
    events: int = 0
    identified: bool = False
    file: Fact = None
    last: int | None = None
    backwards: Backwards | None = None

    def see(self, n: int, /, facts: Facts) -> None:
        """One more event."""
        file, at, identifies = facts
        self.events += 1
        if identifies:
            self.identified = True
        if at is None:
            return
        if file != self.file:  # the next file begins anew: exports of two tables are two files, not one order
            self.file, self.last = file, None
        if self.last is not None and at < self.last:
            if self.backwards is None:
                self.backwards = Backwards(n, at, self.last)
            else:
                self.backwards.times += 1
        self.last = at


@dataclass(slots=True)
class Company:
    """A group: the fact is whether it came with traits."""

    first: int
    events: int = 0
    described: bool = False

    def see(self, n: int, /, facts: Facts) -> None:  # noqa: ARG002 - every state sees the number
        """One more event."""
        self.events += 1
        if facts[0]:
            self.described = True


@dataclass(slots=True)
class Shared:
    """What several users may have in common, an anonymousId or an email: the fact is the user, as a number, or None.

    `last` is the event with which the latest new user came.
    """

    first: int
    events: int = 0
    last: int = 0
    _one: Fact = None
    _others: set[Fact] | None = None  # an empty set for each would double their memory

    @property
    def users(self) -> int:
        """How many users have it."""
        return len(self._others or ()) + (self._one is not None)

    def see(self, n: int, /, facts: Facts) -> None:
        """One more event."""
        user = facts[0]
        self.events += 1
        if user is None or user == self._one or (self._others and user in self._others):
            return
        self.last = n
        if self._one is None:
            self._one = user
        elif self._others is None:
            self._others = {user}
        else:
            self._others.add(user)
