"""`python -m benchmarks [FIGURE ...]`: measures all figures, or those named, and shows them beside their goals."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks import chart, peers, report
from benchmarks.figures import FIGURES
from benchmarks.servers import BenchError, MockJune
from benchmarks.table import Row, Setting

HERE = Path(__file__).parent


def say(text: str) -> None:
    """Progress, on stderr."""
    click.echo(text, err=True)


def _summary(measure: Callable[[Setting], list[Row]]) -> str:
    """The first line of its docstring."""
    return (measure.__doc__ or "").partition("\n")[0].rstrip(".")


@click.command(epilog="Figures: " + "; ".join(f"{name}: {_summary(measure)}" for name, measure in FIGURES.items()))
@click.argument("names", nargs=-1, metavar="[FIGURE]...", type=click.Choice(list(FIGURES)))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="How often each server is measured; medians are shown.")
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0.5), help="How long a load lasts.")
@click.option("--warm", default=30.0, show_default=True, type=click.FloatRange(1), help="Seconds of full load before the figure `warm` is taken.")
@click.option("--calls", default=200_000, show_default=True, type=click.IntRange(100_001), help="How far memory is watched under --max-calls.")
@click.option("--kills", default=5, show_default=True, type=click.IntRange(1), help="How often the server is killed.")
@click.option("--no-peers", is_flag=True, help="Measure mock-june alone.")
def main(names: tuple[str, ...], *, rounds: int, seconds: float, warm: float, calls: int, kills: int, no_peers: bool) -> None:
    """Measure, show, and, where all figures are measured, write benchmarks/RESULTS.md and results.svg. Exit code 1: a goal is not reached."""
    kinds = [MockJune(), MockJune(uvloop=False), *([] if no_peers else peers.ready(say))]
    setting = Setting(kinds, rounds, seconds, warm, calls, kills, say)
    rows: list[Row] = []
    try:
        for name in names or FIGURES:
            rows += FIGURES[name](setting)
    except BenchError as error:
        raise click.ClickException(str(error)) from error
    for line in report.goals(rows):
        say(line)
    page = report.markdown(rows, setting, " ".join(["python -m benchmarks", *sys.argv[1:]]))
    if names:
        click.echo(page)
    else:
        (HERE / "RESULTS.md").write_text(page, encoding="utf-8")
        (HERE / "results.svg").write_text(chart.svg(rows), encoding="utf-8")
        say("written: benchmarks/RESULTS.md, benchmarks/results.svg")
    sys.exit(any(row.kept(goal) is False for row in rows for goal in row.goals))


if __name__ == "__main__":
    main()
