"""`python -m backfill DATA --state FILE`, with JUNE_API_KEY, and JUNE_URL where it is not June itself, in the environment."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from backfill import run
from backfill.june import JuneError
from backfill.progress import SourceChangedError


def main() -> int:
    """Runs the backfill. Gives 0 when all of it was taken, 1 when it has to be run again, 2 for what cannot be begun."""
    parser = argparse.ArgumentParser(prog="backfill", description="Send users, companies and events to June.")
    parser.add_argument("data", type=Path, help="the folder with users.csv, companies.csv and events.csv")
    parser.add_argument("--state", type=Path, default=Path("backfill.json"), help="where to keep how far it came")
    options = parser.parse_args()
    key = os.environ.get("JUNE_API_KEY")
    if not key:
        parser.error("JUNE_API_KEY is not set: the API key is in June's settings")
    try:
        sent = run(options.data, os.environ.get("JUNE_URL", "https://api.june.so"), key, options.state)
    except JuneError as error:
        print(f"{error}\nRun it again: it goes on from there.", file=sys.stderr)
        return 1
    except (OSError, ValueError, SourceChangedError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{sent} sent")
    return 0


if __name__ == "__main__":
    sys.exit(main())
