"""Asks a running mock over HTTP: what came, what shall go wrong. `MockJune` waits in its thread, `AsyncMockJune` on the event loop; both do the same."""

from __future__ import annotations

from mock_june.client.aio import AsyncMockJune
from mock_june.client.asks import Health
from mock_june.client.blocking import MockJune

__all__ = ["AsyncMockJune", "Health", "MockJune"]
