"""The arithmetic of a storm, written out so that anybody can add it up again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.report.numbers import Two

if TYPE_CHECKING:
    from klokken.results import Results

DA = {
    "offered": "bedt om",
    "started": "begyndt",
    "dropped": "aldrig begyndt",
    "completed": "gennemført",
    "failed": "mislykkedes",
    "abandoned": "gav op",
    "planned": "planlagt",
    "requests": "forespørgsler",
    "ok": "lykkedes",
    "failures by cause": "fejl efter årsag",
}


@dataclass(frozen=True)
class Sum:
    """A total and the parts that must make it up."""

    name: str
    total: int
    parts: list[tuple[str, int]]

    @property
    def difference(self) -> int:
        """What is missing from the parts; negative when they are too many."""
        return self.total - sum(count for _, count in self.parts)

    @property
    def formula(self) -> Two:
        """The sum in words."""
        names = [name for name, _ in self.parts]
        return Two(
            f"{DA.get(self.name, self.name)} = {' + '.join(DA.get(n, n) for n in names)}",
            f"{self.name} = {' + '.join(names)}",
        )


def main_sums(results: Results) -> list[Sum]:
    """Return the two sums that account for every pupil."""
    started = results.started_journeys
    return [
        Sum("offered", results.offered, [("started", started), ("dropped", results.dropped)]),
        Sum(
            "started",
            started,
            [
                ("completed", results.completed),
                ("failed", results.failed),
                ("abandoned", results.abandoned),
            ],
        ),
    ]


def all_sums(results: Results) -> list[Sum]:
    """Return every sum that the record must satisfy."""
    return [
        Sum("planned", results.plan.offered, [("offered", results.offered)]),
        *main_sums(results),
        *_over_time(results),
        *_by_class(results),
    ]


def _over_time(results: Results) -> list[Sum]:
    totals = {
        "offered": results.offered,
        "started": results.started_journeys,
        "completed": results.completed,
        "failed": results.failed,
        "abandoned": results.abandoned,
        "dropped": results.dropped,
    }
    return [
        Sum(
            name,
            total,
            [("sum of all intervals", sum(getattr(i, name) for i in results.intervals))],
        )
        for name, total in totals.items()
    ]


def _by_class(results: Results) -> list[Sum]:
    return [
        Sum(
            f"{name}: requests",
            found.requests,
            [
                ("ok", found.ok),
                ("failures by cause", sum(found.failures.values())),
                ("abandoned", found.abandoned),
            ],
        )
        for name, found in results.classes.items()
    ]
