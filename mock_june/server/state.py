"""What one running fake holds: the engine, the journal, the keys, the faults, its settings. Made once, handed to every part of the server."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mock_june import clock
from mock_june.contract import Engine
from mock_june.journal import Journal
from mock_june.model import PORT, ApiKey
from mock_june.server.auth import Keys
from mock_june.server.faults import Faults

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """How a fake is set up. `max_body` in bytes, after inflating. A `token` of None: the control API wants none. A `tls` of None: it speaks plain HTTP."""

    max_body: int = 4 * MEBIBYTE
    host: str = "127.0.0.1"
    port: int = PORT
    allow_hosts: tuple[str, ...] = ()
    token: str | None = None
    tls: ssl.SSLContext | None = None

    @property
    def scheme(self) -> str:
        """What its URLs begin with."""
        return "http" if self.tls is None else "https"


Suggest = Callable[[str, str, bytes], Sequence[tuple[dict[str, Any], str]]]
"""Of a contract, a kind and a payload: operations of a JSON Patch (RFC 6902) that put it right, each with what it is for."""


@dataclass(slots=True)
class Mock:
    """One fake June. `started` is on the monotonic clock, in seconds."""

    engine: Engine
    journal: Journal
    keys: Keys = field(default_factory=Keys)
    faults: Faults = field(default_factory=Faults)
    settings: Settings = field(default_factory=Settings)
    started: float = field(default_factory=clock.monotonic)
    suggest: Suggest | None = None
    """Finds corrections of a wrong payload. Who serves gives it: the server knows nothing of files and their fixes."""

    engines: dict[str, Engine] = field(default_factory=dict)
    """Rules of their own, by the API key whose calls are held to them."""

    def engine_of(self, key: ApiKey | None) -> Engine:
        """The rules that a key's calls are held to."""
        return self.engine if key is None or not self.engines else self.engines.get(key.value, self.engine)

    def workspace(self, key: ApiKey) -> str:
        """The workspace that `key` owns."""
        return self.journal.workspace(key)

    def reset(self, workspace: str | None) -> int:
        """Clears calls and faults of one workspace, or of all (None). Gives the number of calls that went."""
        self.faults.clear(workspace)
        return self.journal.delete(workspace)
