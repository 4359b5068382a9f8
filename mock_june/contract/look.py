"""Looks at many bodies, of which most are good: a good one costs little more than parsing, and of the others those who only count need no texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import orjson

from mock_june.contract.parser import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from mock_june.contract.judge import Judge, Rules

UNREAD: Final = object()
"""In place of the JSON value of a body that holds none."""

NOTHING: Rules = ((), ())


def parsed(body: bytes) -> Any:
    """The JSON value of a body, or UNREAD."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return UNREAD


class Look:
    """Looks at bodies that are events; `judges` are those of the kinds there are, `given` the kind that all are sent as (None: their `type` says it)."""

    def __init__(self, judges: Mapping[str, Judge], given: str | None, in_force: Collection[str]) -> None:
        self._judges = judges
        self._given = given
        self._in_force = in_force
        self._looks = {kind: judge.quick for kind, judge in judges.items()}

    def __call__(self, body: bytes) -> str | None:
        """The kind of an event that is certainly good and bears no warning, else None. None says nothing: the engine's `check` does."""
        return self.kind_of(parsed(body))

    def kind_of(self, payload: Any) -> str | None:
        """The same of a body that is parsed."""
        return None if self.doubtful((payload,), None) else self._given or payload["type"]

    def doubtful(self, items: Iterable[Any], loads: Callable[[Any], Any] | None = orjson.loads) -> list[tuple[int, Any]]:
        """The bodies that are not certainly good events without a warning: the place of each among all, and its JSON value or UNREAD.

        With `loads` None, `items` are values already.
        """
        looks, given = self._looks, self._given
        found = []
        for number, item in enumerate(items):  # one loop for both, without a call for each of them: that is a tenth of the time
            payload = UNREAD
            try:
                payload = item if loads is None else loads(item)
                kind = given or payload["type"]
                if looks[kind](payload) or self._judges[kind].is_strange_but_clean(payload):
                    continue
            except (ValueError, LookupError, TypeError):  # no JSON, no Object, no kind, too deep
                pass
            found.append((number, payload))
        return found

    def rules(self, payload: Any, body: bytes) -> Rules:
        """The ids of the rules that the engine's `check` names of a body, in its order: of violations and of warnings. `payload` is the body `parsed`."""
        if payload is UNREAD:
            return self._unread(unreadable(body))
        if not isinstance(payload, dict):
            return self._unread("body.object")
        kind = self._given or payload.get("type")
        judge = self._judges.get(kind) if isinstance(kind, str) else None
        return self._unread("body.kind") if judge is None else judge.rules(payload)

    def _unread(self, rule: str) -> Rules:
        return ((rule,), ()) if rule in self._in_force else NOTHING
