"""Holds a server to promises: sends their cases, never more than was said, and makes what breaks a promise as short as it can be shown."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from . import curl
from .article import SAMPLES
from .breaking import breaks, full, minimal
from .cases import PLAIN, SPELLINGS, Case, Promise, Sent, as_wanted
from .files import KINDS, Payload, judge
from .server import Request, Server
from .shortening import shortened

State = Literal["kept", "broken", "implied", "skipped", "untried"]

STEPS = 40
"""Requests for making what breaks one promise shorter, at most."""

SHORTENING = 400
"""Requests for that in all."""

SECONDS = 60.0
"""How long all of it may take, beside what `SECONDS_EACH` allows."""

SECONDS_EACH = 0.02
"""How much longer for each request announced."""


class UnreachableError(Exception):
    """No answer came, to the first request already."""


class _EnoughError(Exception):
    """No more requests may go into making one request shorter."""


@dataclass(frozen=True, slots=True)
class Breach:
    """What shows a promise broken: a request, in short, and as a line for a shell; what is wrong with the answer.

    `once`: sent a second time, the same request was answered as it should be.
    """

    about: str
    problem: str
    status: int
    answer: str
    curl: str
    once: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a promise. `implied`: another one is broken that leaves it nothing to say; `skipped`: it cannot be tried; `why` says more of both."""

    promise: Promise
    state: State
    breach: Breach | None = None
    why: str = ""
    sent: int = 0


class Runner:
    """Holds one server to promises. `most` is how many requests that takes, at most."""

    def __init__(self, server: Server, promises: Sequence[Promise], *, seconds: float = SECONDS) -> None:
        self.server = server
        self.promises = promises
        self._auth = PLAIN
        self._bases: dict[tuple[str, str], list[Payload]] = {}
        self._locked_out = False
        self._settled = False
        self._broken: set[str] = set()
        self._watchers = [promise for promise in promises if promise.watches]
        self._seen: dict[str, list[Sent]] = {promise.id: [] for promise in self._watchers}
        self._heard: set[str] = set()
        self._shortening = SHORTENING
        self._gone = False
        kinds = dict.fromkeys((case.contract, case.kind) for promise in promises for case in promise.cases if case.kind in KINDS[case.contract])
        self._candidates = {kind: _candidates(*kind) for kind in kinds}
        cases = sum(len(promise.cases) for promise in promises if not promise.skip)
        settling = sum(map(len, self._candidates.values())) + len(SPELLINGS)
        self.most = server.most = cases + settling + SHORTENING + server.spare + len(promises)  # for each, one to see whether the server still lives
        self._seconds = seconds + SECONDS_EACH * self.most
        self._until = 0.0

    def results(self) -> Iterator[Result]:
        """The promises one after the other. Raises UnreachableError where no answer comes at all."""
        for promise in self.promises:
            yield self.keep(promise)

    def keep(self, promise: Promise) -> Result:
        """What becomes of one promise. It is tried until the first case that breaks it."""
        if not self._settled:
            self.settle()
        before = self.server.sent
        result = self._untold(promise) or self._watched(promise) or self._tried(promise)
        return replace(result, sent=self.server.sent - before)

    def settle(self) -> None:
        """Finds out how the server is to be asked: with which spelling of the key, and with which good payloads of each kind.

        So a server that is wrong in one of them is found wrong in that alone. Raises UnreachableError.
        """
        self._settled = True
        self._until = time.monotonic() + self._seconds
        first = next(iter(self._candidates))
        for auth in SPELLINGS:
            self._auth = auth
            answer = self._send(_probe(first, self._candidates[first][0])).answer
            if not answer.status:
                raise UnreachableError(answer.error)
            if answer.status != 401:
                break
        else:
            self._auth = PLAIN
            self._locked_out = True
            self._bases = {kind: candidates[:1] for kind, candidates in self._candidates.items()}
            return
        for kind, candidates in self._candidates.items():
            whole, *rest = candidates
            # What has all members will do for anything; only where that is not taken, others are asked.
            self._bases[kind] = [whole] if self._takes(kind, whole) else [payload for payload in rest if self._takes(kind, payload)]

    def _takes(self, kind: tuple[str, str], payload: Payload) -> bool:
        return as_wanted(self._send(_probe(kind, payload))) is None

    def _untold(self, promise: Promise) -> Result | None:
        """Why there is nothing to try."""
        if promise.skip:
            return Result(promise, "skipped", why=promise.skip)
        if self._locked_out and not promise.id.startswith("auth."):
            return Result(promise, "implied", why="the key is taken in no spelling: is it the right one?")
        cause = next((each for each in promise.unless if each in self._broken), None)
        return None if cause is None else Result(promise, "implied", why=f"{cause} is broken")

    def _watched(self, promise: Promise) -> Result | None:
        """What the answers to other promises' cases show of this one; by now more is known of the server than when they came."""
        seen = [sent for sent in self._seen.get(promise.id, ()) if promise.check(sent) is not None]
        return self._breaking(promise, min(seen, key=lambda sent: len(sent.request.content))) if seen else None

    def _tried(self, promise: Promise) -> Result:
        before = self.server.sent
        for case in promise.cases:
            if self._gone:
                return Result(promise, "untried", why="the server answers no more")
            if time.monotonic() > self._until:
                return Result(promise, "untried", why="there was no time left")
            sent = self._try(case)
            if sent is None:
                continue
            if not sent.answer.status:  # was it this request, or is the server gone?
                kind = next(iter(self._candidates))
                self._gone = not self._send(_probe(kind, self._candidates[kind][0])).answer.status
            self._watch(sent)
            if promise.applies(sent) and promise.check(sent) is not None:
                return self._breaking(promise, sent)
        if promise.watches and promise.id not in self._heard:
            return Result(promise, "skipped", why="no answer came that it speaks of")
        if not promise.watches and self.server.sent == before:
            return Result(promise, "skipped", why="the server takes no payload that could show it")
        return Result(promise, "kept")

    def _watch(self, sent: Sent) -> None:
        """Shows an answer to the promises that watch."""
        for watcher in self._watchers:
            if watcher.applies(sent):
                self._heard.add(watcher.id)
                if watcher.check(sent) is not None:
                    self._seen[watcher.id].append(sent)

    def _try(self, case: Case) -> Sent | None:
        """A case that was sent; None where it says nothing, since what the server takes has not the members that it is about."""
        if case.unless in self._broken:
            return None
        if case.payload is not None:
            return self._send(case)
        bases = self._bases[case.contract, case.kind]
        if not bases:  # that nothing of this kind is taken is a promise of its own
            return None
        members = {*case.change, case.without}
        base = max(bases, key=lambda each: len(members & set(each)))
        payload = {name: value for name, value in {**base, **case.change}.items() if name != case.without}
        good = judge(case.contract, case.kind).is_valid(payload) and case.without in {"", *base}
        return self._send(replace(case, payload=payload)) if good else None

    def _send(self, case: Case) -> Sent:
        payload = case.payload or {}
        written = payload if case.write_key is None else {**payload, "writeKey": case.write_key(self.server.key)}
        value = (case.auth or self._auth).value(self.server.key)
        headers = case.headers if value is None else (("Authorization", value), *case.headers)
        request = Request(case.method, case.path, headers, case.render(written))
        return Sent(case, payload, request, self.server.send(request), self._broken)

    def _breaking(self, promise: Promise, sent: Sent) -> Result:
        self._broken.add(promise.id)
        shortest, once = self._shortest(promise, sent)
        breach = Breach(
            about=f"{shortest.case.about}: {shortest.request.method} {shortest.case.path}",
            problem=promise.check(shortest) or "",
            status=shortest.answer.status,
            answer=shortest.answer.shown,
            curl=curl.line(self.server, shortest.case, shortest.request, shortest.case.auth or self._auth),
            once=once,
        )
        return Result(promise, "broken", breach)

    def _shortest(self, promise: Promise, sent: Sent) -> tuple[Sent, bool]:
        """The shortest that shows the same, and whether what was found shows it no more. What is not answered is not sent again: that takes too long."""
        case, best, left = sent.case, sent, min(STEPS, self._shortening)
        if not sent.answer.status or case.shell:
            return sent, False

        def shows(payload: Payload) -> bool:
            nonlocal best, left
            if breaks(case.contract, case.kind, payload) != case.breaks:  # it would have to be answered otherwise
                return False
            if left < 1 or time.monotonic() > self._until:
                raise _EnoughError
            left -= 1
            self._shortening -= 1
            tried = self._send(replace(case, payload=payload))
            if not tried.answer.status:
                raise _EnoughError
            if not promise.applies(tried) or promise.check(tried) is None:
                return False
            best = tried
            return True

        try:
            if breaks(case.contract, case.kind, sent.payload) == case.breaks and not shows(sent.payload):
                return sent, True
            shortened(case.contract, case.kind, sent.payload, shows)
        except _EnoughError:
            return best, False
        return best, False


def _probe(kind: tuple[str, str], payload: Payload) -> Case:
    return Case(contract=kind[0], kind=kind[1], about="a good payload", payload=payload)


def _candidates(contract: str, kind: str) -> list[Payload]:
    """Good payloads, the one to be asked first with all members."""
    return [full(contract, kind), *(SAMPLES[kind][-1:] if contract == "backfill" else ()), *minimal(contract, kind)]
