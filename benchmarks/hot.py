"""`python -m benchmarks.hot`: how long the hot functions take, by pytest-benchmark, beside how long they took the last time.

Each is told as a multiple of a yardstick of the same run, so that runs on two machines, or on a busy one, can be compared. Shows, and judges nothing.
`--record` makes this run the last one, in benchmarks/hot.json.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

HERE = Path(__file__).parent
LAST = HERE / "hot.json"
YARDSTICK = "yardstick"

NOTABLE = 1.15
"""Times as long as the last time: what is slower than that is marked. Two runs of the same code differ by up to a tenth here."""


def measured(seconds: float) -> dict[str, float]:
    """The median time of each function, in microseconds. Raises click.ClickException where one fails."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "benchmark", "-p", "no:cacheprovider", str(HERE / "hot_functions.py")]
        options = [f"--benchmark-json={report}", f"--benchmark-max-time={seconds}", "--benchmark-warmup=on", "--benchmark-quiet"]
        done = subprocess.run([*command, *options], cwd=HERE.parent, capture_output=True, text=True, check=False)  # noqa: S603  # ours
        if done.returncode != 0:
            raise click.ClickException(f"a function failed, nothing was measured:\n{done.stdout}{done.stderr}")
        told = json.loads(report.read_text("utf-8"))["benchmarks"]
    return {each["name"].removeprefix("test_"): each["stats"]["median"] * 1e6 for each in told}


def table(now: dict[str, float], last: dict[str, float]) -> list[str]:
    """A line a function: microseconds, multiples of the yardstick now and the last time, and how the two compare."""
    lines = [f"{'function':<16} {'us':>9} {'yardsticks':>11} {'last time':>10} {'ratio':>6}"]
    for name, microseconds in now.items():
        multiple = microseconds / now[YARDSTICK]
        line = f"{name:<16} {microseconds:>9.2f} {multiple:>11.3f}"
        if name in last:
            ratio = multiple * last[YARDSTICK] / last[name]
            line += f" {last[name] / last[YARDSTICK]:>10.3f} {ratio:>6.2f}" + ("  slower" if ratio > NOTABLE else "  quicker" if ratio < 1 / NOTABLE else "")
        lines.append(line)
    return lines


@click.command()
@click.option("--seconds", default=2.0, show_default=True, type=click.FloatRange(0.1), help="How long each function is measured.")
@click.option("--record", is_flag=True, help="Keep the times as the last ones.")
def main(*, seconds: float, record: bool) -> None:
    """Measure the hot functions, beside the last time."""
    last: dict[str, Any] = json.loads(LAST.read_text("utf-8")) if LAST.exists() else {"microseconds": {}}
    now = measured(seconds)
    click.echo("\n".join(table(now, last["microseconds"])))
    if "day" in last:
        click.echo(f"last time: {last['day']}, Python {last['python']}")
    if record:
        kept = {"day": str(datetime.now(UTC).date()), "python": platform.python_version(), "microseconds": {name: round(us, 3) for name, us in now.items()}}
        LAST.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        click.echo("kept: benchmarks/hot.json")


if __name__ == "__main__":
    main()
