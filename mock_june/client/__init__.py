"""Asks a running mock over HTTP, waits, asserts, plans faults: a remote mock as a local one. `MockJune` waits in its thread, `AsyncMockJune` on the event loop.

`JuneClient` sends payloads, to a fake or to whatever keeps June's contract.
"""

from __future__ import annotations

from mock_june.client.aio import AsyncMockJune
from mock_june.client.asks import Health
from mock_june.client.blocking import MockJune
from mock_june.client.sending import AsyncJuneClient, JuneClient

__all__ = ["AsyncJuneClient", "AsyncMockJune", "Health", "JuneClient", "MockJune"]
