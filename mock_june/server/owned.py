"""Calls whose key does not say whose they are: a program under test has one built in, the same in every test. Where a call comes from says it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mock_june.contract import Engine
from mock_june.model import ApiKey, Call
from mock_june.server.auth import Keys
from mock_june.server.ingest import Ingest, Outcome, Request
from mock_june.server.state import Mock


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a call is: its workspace, the keys that are good there, the rules that it is held to. `tell` hears of each call before it is recorded."""

    workspace: str
    keys: Keys
    engine: Engine
    tell: Callable[[Call], None]


class Owned(Ingest):
    """Takes calls on one loop. `owner_of` says, by the port that a call comes from, whose it is; None: its key does, as ever."""

    def __init__(self, mock: Mock) -> None:
        super().__init__(mock)
        self.owner_of: Callable[[int], Owner | None] = lambda _port: None
        self._owner: Owner | None = None

    def judge(self, request: Request) -> Outcome:
        """As ever, for whom it concerns."""
        self._owner = self.owner_of(request.peer)
        outcome = super().judge(request)
        if self._owner is not None and outcome.call is not None:
            self._owner.tell(outcome.call)
        return outcome

    def _keys(self) -> Keys:
        return super()._keys() if self._owner is None else self._owner.keys

    def _engine(self, key: ApiKey | None) -> Engine:
        return super()._engine(key) if self._owner is None else self._owner.engine

    def _workspace(self, key: ApiKey) -> str:
        return super()._workspace(key) if self._owner is None else self._owner.workspace
