"""What measurements found, several of one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from benchmarks.facts import Measured
from klokken.capacity.measure.measurement import Measurement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klokken.capacity.measure.estimate import Compared, HeldOut

# The figures that are judged, by what their names begin with.
JUDGED = ("throughput", "utilisation", "p95")


class Comparison(Measured):
    """Measurements of one stack and machine, each with what it held out and predicted."""

    runs: list[Measurement] = Field(min_length=1)

    @property
    def held_out(self) -> list[HeldOut]:
        """Every step that was held out, of all runs."""
        return [each for run in self.runs for each in run.held_out]

    def judged(self, kind: str) -> Iterator[tuple[HeldOut, Compared]]:
        """Yield the figures of one kind that have a limit, each with the step it is of."""
        for each in self.held_out:
            for figure in each.figures:
                if figure.what.startswith(kind) and figure.limit is not None:
                    yield each, figure
