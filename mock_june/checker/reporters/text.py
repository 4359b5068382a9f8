"""For people: a summary by rule with the payload's own text, or a line a finding."""

from __future__ import annotations

from mock_june.checker.report import Finding, Report
from mock_june.checker.reporters.base import Reporter
from mock_june.checker.reporters.marking import excerpt
from mock_june.text import counted, cut, printable

RED, YELLOW, GREEN, BOLD, DIM, PLAIN = "\x1b[1;31m", "\x1b[1;33m", "\x1b[1;32m", "\x1b[1m", "\x1b[2m", "\x1b[0m"
LONGEST = 400
"""Characters of a message that are shown."""


class _Coloured(Reporter):
    def _in(self, colour: str, text: str) -> str:
        return f"{colour}{text}{PLAIN}" if self.style.colour else text

    def _severity(self, severity: str) -> str:
        return RED if severity == "error" else YELLOW


class TextReporter(_Coloured):
    """By rule, the most frequent first: how often, the first few with the value marked in its payload, and what to do. Then the counts."""

    needs_all = False

    def end(self, report: Report) -> None:
        """Writes all there is to say."""
        if not self.style.quiet or report.invalid:
            for rule in self._ordered(report):
                self._rule(report, rule)
        self._counts(report)

    def _ordered(self, report: Report) -> list[str]:
        shown = (rule for rule in report.by_rule if not (self.style.quiet and report.severities[rule] != "error"))
        return sorted(shown, key=lambda rule: (report.severities[rule] != "error", -report.by_rule[rule], rule))

    def _rule(self, report: Report, rule: str) -> None:
        severity, count, examples = report.severities[rule], report.by_rule[rule], report.examples[rule]
        title = self._in(self._severity(severity), f"{severity}[{rule}]")
        self.out.write(f"{title} {_times(count)}\n")
        for finding in examples:
            self._example(finding)
        if count > len(examples):
            self.out.write(f"  {self._in(DIM, f'… and {count - len(examples):,} more')}\n")
        hints = list(dict.fromkeys(finding.violation.hint for finding in examples if finding.violation.hint))
        for hint in hints:
            self.out.write(f"  {self._in(BOLD, 'hint:')} {printable(hint)}\n")
        self.out.write("\n")

    def _example(self, finding: Finding) -> None:
        self.out.write(f"  {self._in(BOLD, f'{printable(finding.file)}:{finding.line}')}: {_said(finding)}\n")
        shown = excerpt(finding.body, finding.violation.pointer)
        if shown is not None:
            mark = self._in(self._severity(finding.violation.severity), "^" * shown.width)
            self.out.write(f"    {self._in(DIM, '|')} {shown.text}\n    {self._in(DIM, '|')} {' ' * shown.start}{mark}\n")

    def _counts(self, report: Report) -> None:
        if self.style.statistics and report.by_rule:
            width = max(len(f"{count:,}") for count in report.by_rule.values())
            for rule in self._ordered(report):
                self.out.write(f"{report.by_rule[rule]:>{width},}  {report.severities[rule]:<7}  {rule}\n")
            self.out.write("\n")
        if self.style.quiet and not report.invalid:
            return
        for note in report.notes:
            self.out.write(f"note: {printable(note)}\n")
        refused = self._in(RED if report.invalid else GREEN, f"{report.invalid:,} that June would refuse")
        warned = f", {report.warned:,} with warnings" if report.warned else ""
        self.out.write(f"{counted(report.checked, 'payload')} checked in {counted(len(report.files), 'file')}: {report.valid:,} valid, {refused}{warned}\n")
        if report.stopped:
            self.out.write("stopped early, at --max-failures: what comes behind was not looked at\n")
        history = "" if report.history else "; history was not looked at (--history does)"
        self.out.write(self._in(DIM, f"rules in force {report.rules_hash}{history}") + "\n")


class ConciseReporter(_Coloured):
    """One line a finding: `file:line: rule message`."""

    def finding(self, finding: Finding) -> None:
        """Writes the line."""
        violation = finding.violation
        if self.style.quiet and violation.severity != "error":
            return
        rule = self._in(self._severity(violation.severity), violation.rule)
        self.out.write(f"{self._in(BOLD, printable(finding.file))}:{finding.line}: {rule} {_said(finding)}\n")

    def end(self, report: Report) -> None:
        """Writes how many there were."""
        if self.style.statistics:
            for rule, count in sorted(report.by_rule.items(), key=lambda item: (-item[1], item[0])):
                self.out.write(f"{count}\t{report.severities[rule]}\t{rule}\n")
        if not self.style.quiet:
            stopped = ", stopped early" if report.stopped else ""
            self.out.write(f"{report.checked:,} checked, {report.valid:,} valid, {report.invalid:,} refused, {report.warned:,} with warnings{stopped}\n")


def _said(finding: Finding) -> str:
    return cut(printable(finding.violation.message), LONGEST)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
