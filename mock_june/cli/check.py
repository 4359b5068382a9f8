"""`mock-june check`: preflight of files."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from mock_june import __version__
from mock_june.checker.outputs import WriteError
from mock_june.checker.reporters import REPORTERS
from mock_june.cli import render
from mock_june.errors import UsageError
from mock_june.text import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from mock_june.checker.baseline import Baseline
    from mock_june.checker.copies import FixedCopy
    from mock_june.checker.history.rules import History
    from mock_june.checker.job import Job
    from mock_june.checker.outputs import Output
    from mock_june.checker.report import Finding, Report
    from mock_june.checker.reporters import Reporter
    from mock_june.checker.runner import Observer
    from mock_june.cli.progress import Progress
    from mock_june.contract import Engine

FOUND = 1


@click.command()
@click.argument("paths", nargs=-1, metavar="[FILE|DIR|-]...")
@click.option("--contract", type=click.Choice(["backfill", "sdk"]), default="backfill", show_default=True, help="What the payloads are held to.")
@click.option("--kind", metavar="KIND", help="What all payloads are sent as; else the `type` of each says it.")
@click.option("--output-format", type=click.Choice(list(REPORTERS)), default="text", show_default=True, help="How to tell what was found.")
@click.option("--output-file", metavar="FILE", help="Where to tell it, in place of stdout; written whole or not at all.")
@click.option("--summary-to", metavar="FILE", help="A summary in Markdown besides, such as the one that a CI job shows.")
@click.option("--select", multiple=True, metavar="RULE", help="Hold payloads to these rules alone (ids or globs, repeatable).")
@click.option("--ignore", multiple=True, metavar="RULE", help="Leave these rules out (ids or globs, repeatable).")
@click.option("--statistics", is_flag=True, help="Count by rule, too.")
@click.option("--quiet", "-q", is_flag=True, help="Tell of violations alone: no warnings, and nothing of clean files.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--max-failures", type=click.IntRange(1), metavar="N", help="Stop after N payloads that June would refuse.")
@click.option("-j", "--jobs", type=click.IntRange(1, 256), metavar="N", help="Processes. Not given: of large files as many as there are processors, else one.")
@click.option("--map", "mapping", multiple=True, metavar="MEMBER=COLUMN", help="CSV, Parquet: the column that holds a member (repeatable).")
@click.option("--types", is_flag=True, help="CSV: tell numbers and booleans in cells below traits and properties.")
@click.option("--fix", is_flag=True, help="Correct what can mean one thing only, in a copy (--fixed-to).")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix: guess, too. Times without a timezone are UTC; null members and empty ids go.")
@click.option("--assume-tz", metavar="ZONE", help="With --unsafe-fixes: the timezone of times that have none, such as Europe/Paris.")
@click.option("--fixed-to", metavar="FILE", help="The corrected copy, as JSON Lines.")
@click.option("--patch-to", metavar="FILE", help="With --fix: what was changed, as JSON Patch, a line a payload.")
@click.option("--valid-to", metavar="FILE", help="The payloads that June would take, byte for byte, as JSON Lines.")
@click.option("--rejects-to", metavar="FILE", help="Those that June would refuse; why stands in FILE.why.jsonl.")
@click.option("--history", is_flag=True, help="Look at what goes wrong across events, too: doubles, users never identified, days that do not fit.")
@click.option("--now", metavar="TIME", help="With --history: the time from which on an event is in the future (RFC 3339). Not given: the clock's.")
@click.option("--baseline", metavar="FILE", help="Leave out the findings that this file lists.")
@click.option("--write-baseline", metavar="FILE", help="List all findings in this file, and exit with 0.")
@click.option("--sample", type=click.IntRange(1), metavar="N", help="Check N payloads, drawn with equal chance.")
@click.option("--seed", type=int, default=0, show_default=True, metavar="S", help="With --sample: another seed draws others.")
def check(paths: tuple[str, ...], **options: Any) -> int:
    """Say what June would refuse of files, before they are sent.

    JSON Lines, JSON arrays, concatenated JSON, CSV (.csv, .tsv) and Parquet; packed with gzip or Zstandard; of folders all files that end in one
    of these; - is stdin. A file whose first byte is [ is an array of payloads. Exit code 0: clean, or warnings alone; 1: violations; 2: could not do it.
    """
    from mock_june.checker.inputs import expand
    from mock_june.checker.outputs import refuse_clashes

    _refuse(paths, options)
    files = expand(paths)
    refuse_clashes([options[name] for name in ("output_file", "summary_to", "fixed_to", "patch_to", "valid_to", "rejects_to", "write_baseline")], files)
    with ExitStack() as outputs:
        return _Run(options, files, outputs).run()


class _Run:
    """One run of the command."""

    def __init__(self, options: dict[str, Any], files: list[str], outputs: ExitStack) -> None:
        from mock_june.checker.report import Report
        from mock_june.contract import Engine

        self.options = options
        self.files = files
        self.stack = outputs
        self.outputs: list[Output] = []
        self.engine: Engine = Engine(options["select"], options["ignore"])
        self.report: Report = Report(__version__, self.engine.rules_hash)
        self.written = self._output(options["output_file"])
        self.summary = self._output(options["summary_to"])
        self.reporter = self._reporter()
        self.tell: Callable[[Finding], None] | None = self.reporter.finding if self.reporter.needs_all else None

    def run(self) -> int:
        """The exit code."""
        self.report.history = self.options["history"]
        try:
            self.reporter.begin(self.report)
            with _progress(self.files, quiet=self.options["quiet"]) as advance:
                self._check(advance)
            self.reporter.end(self.report)
            sys.stdout.flush()
        except OSError as error:  # of the report alone: what is read or copied has errors that name it
            if self.written is None:
                raise
            raise WriteError(self.written.path, error) from None
        if self.summary is not None:
            self._summarize(self.summary)
        for output in self.outputs:
            output.keep()
        found = any(severity == "error" for severity in self.report.severities.values())
        return FOUND if found and not self.options["exit_zero"] and not self.options["write_baseline"] else 0

    def _summarize(self, output: Output) -> None:
        from mock_june.checker.reporters import Style, reporter

        try:
            reporter("markdown")(output.text, Style(quiet=self.options["quiet"])).end(self.report)
        except OSError as error:
            raise WriteError(output.path, error) from None

    def _check(self, advance: Callable[[int], None]) -> None:
        from mock_june.checker import preflight
        from mock_june.checker.watch import watching

        job, report = self._job(), self.report
        history = self._history()
        observers, baseline, copy = self._observers(job)
        draw = (self.options["sample"], self.options["seed"]) if self.options["sample"] else None
        if observers or draw:
            observers += watching(history)
            admits = baseline.admits if baseline else None
            preflight.check_each(job, self.engine, self.files, report, self.tell, advance, observers, admits, draw)
        else:
            preflight.check_all(job, self.engine, self.files, report, self.tell, self.options["jobs"], advance, history)
        if history is not None:
            preflight.add_history(history, report, self.tell)
        if copy is not None:
            report.notes += copy.notes(self.options["fixed_to"])
        if baseline is not None:
            self._end_baseline(baseline)
        if draw is not None:
            report.notes.append(f"a sample of {draw[0]:,}, seed {draw[1]}: the other payloads were not looked at")

    def _job(self) -> Job:
        from mock_june.checker.inputs import Table
        from mock_june.checker.job import Job

        options = self.options
        table = Table(_mapping(options["mapping"]), options["types"], options["kind"])
        return Job(
            contract=options["contract"],
            kind=options["kind"],
            select=options["select"],
            ignore=options["ignore"],
            table=table,
            most=options["max_failures"],
            tells=self.reporter.needs_all,
            statistics=self.reporter.needs_statistics,
            history=options["history"],
        )

    def _history(self) -> History | None:
        """Who looks across events, if that was asked for."""
        if not self.options["history"]:
            return None
        from mock_june.checker.history.rules import History

        history = History(self.options["now"], in_force=self.engine.in_force)
        self.stack.callback(history.close)
        return history

    def _observers(self, job: Job) -> tuple[list[Observer], Baseline | None, FixedCopy | None]:
        """Who is to see every payload in this process, in order; and of them the baseline and the corrected copy, where they are wanted."""
        options = self.options
        observers: list[Observer] = []
        baseline: Baseline | None = None
        copy: FixedCopy | None = None
        if options["fix"]:
            from mock_june.checker.copies import FixedCopy
            from mock_june.checker.fixes import Fixer

            fixer = Fixer(options["contract"], options["kind"], unsafe=options["unsafe_fixes"], assume_tz=options["assume_tz"])
            fixed = self._output(options["fixed_to"])
            if fixed is not None:
                copy = FixedCopy(self.engine, job.endpoint, fixer, fixed, self._output(options["patch_to"]))
                observers.append(copy)
        if options["valid_to"] or options["rejects_to"]:
            from mock_june.checker.copies import SIDECAR, Split

            rejects = options["rejects_to"]
            observers.append(Split(self._output(options["valid_to"]), self._output(rejects), self._output(rejects and rejects + SIDECAR)))
        if options["baseline"] or options["write_baseline"]:
            from mock_june.checker.baseline import Baseline

            baseline = Baseline.read(options["baseline"]) if options["baseline"] else Baseline()
            observers.append(baseline)
        return observers, baseline, copy

    def _end_baseline(self, baseline: Baseline) -> None:
        if self.options["write_baseline"]:
            baseline.write(self.options["write_baseline"])
            self.report.notes.append(f"{counted(baseline.seen.total(), 'finding')} listed in {self.options['write_baseline']}")
        if self.options["baseline"]:
            self.report.notes += baseline.notes(self.options["baseline"], is_whole=not self.report.stopped and not self.options["sample"])

    def _reporter(self) -> Reporter:
        from mock_june.checker.reporters import Style, reporter

        options = self.options
        asked = render.colour()
        colour = False if self.written is not None else sys.stdout.isatty() if asked is None else asked
        style = Style(colour, options["statistics"], options["quiet"], lambda: self.engine.catalogue)
        if self.written is None and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        return reporter(options["output_format"])(sys.stdout if self.written is None else self.written.text, style)

    def _output(self, path: str | None) -> Output | None:
        from mock_june.checker.outputs import Output

        if path is None:
            return None
        output = Output(path)
        self.stack.callback(output.drop)
        self.outputs.append(output)
        return output


def _refuse(paths: tuple[str, ...], options: dict[str, Any]) -> None:
    """Raises UsageError for options that make no sense together."""
    from mock_june.checker.sampling import MOST
    from mock_june.contract import schemas

    if not paths:
        raise UsageError("name the files or folders to check, or - for stdin")
    schemas.ask(options["contract"], options["kind"])
    for name, needs in (
        ("fix", "fixed_to"),
        ("fixed_to", "fix"),
        ("unsafe_fixes", "fix"),
        ("assume_tz", "unsafe_fixes"),
        ("patch_to", "fix"),
        ("now", "history"),
    ):
        if options[name] and not options[needs]:
            raise UsageError(f"{_spelled(name)} goes with {_spelled(needs)}" + (": a file is never corrected in place" if needs == "fixed_to" else ""))
    if (options["sample"] or 0) > MOST:
        raise UsageError(f"--sample takes at most {MOST:,}: they are held in memory")
    if options["sample"] and options["history"]:
        raise UsageError("--history is about all events, and --sample looks at some")


def _spelled(name: str) -> str:
    return "--" + name.replace("_", "-")


def _mapping(given: tuple[str, ...]) -> dict[str, str]:
    mapping = {}
    for text in given:
        member, equals, column = text.partition("=")
        if not (member and equals and column):
            raise UsageError(f"--map takes MEMBER=COLUMN, such as userId=user_id, not {text!r}")
        mapping[member] = column
    return mapping


def _progress(files: list[str], *, quiet: bool) -> Progress:
    from mock_june.cli.progress import Progress

    return Progress(files, shown=sys.stderr.isatty() and not quiet)
