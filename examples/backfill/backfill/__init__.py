"""Sends users, companies and events out of CSV files to June, once each, whatever happens on the way."""

from __future__ import annotations

import os

from backfill import mistakes
from backfill.run import run

__all__ = ["run"]

mistakes.plant(os.environ.get("BACKFILL_MISTAKE", ""))
