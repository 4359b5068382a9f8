"""What a run is asked to do, in whichever process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mock_june.checker.inputs import Table
from mock_june.checker.report import Report
from mock_june.checker.runner import Observer
from mock_june.model import ContractName, Endpoint


@dataclass(frozen=True, slots=True)
class Job:
    """What every process of a run is to know.

    `tells` is whether each finding is wanted, or counts and examples are enough; `statistics` whether the report is to have them; `history` whether somebody
    wants to see each event; `most` ends a run after so many refused payloads.
    """

    contract: ContractName
    kind: str | None
    select: tuple[str, ...]
    ignore: tuple[str, ...]
    table: Table
    most: int | None = None
    tells: bool = True
    statistics: bool = False
    history: bool = False

    @property
    def endpoint(self) -> Endpoint:
        """What payloads are held to."""
        return Endpoint(self.contract, self.kind)

    def observers(self, report: Report, others: Sequence[Observer] = ()) -> list[Observer]:
        """Who is to see each payload: `others`, and in every process the report's statistics, if somebody asked for them."""
        if not self.statistics:
            return list(others)
        from mock_june.checker.statistics import Statistics  # noqa: PLC0415 - one format alone needs it

        report.statistics = Statistics()
        return [*others, report.statistics]
