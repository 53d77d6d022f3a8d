"""When a pupil at an exam does what, in seconds of the storm: drawn, and the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from klokken.curve import draws
from klokken.storm.timing import deadline, second_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klokken.exam import Exam
    from klokken.results import StormPlan

_MINUTE = 60.0
_WORD = 2**64
# The draw of when the paper is asked for; no exam has so many saves.
PAPER_DRAW = 2**40


@dataclass(frozen=True, slots=True)
class Sitting:
    """One pupil's exam: from `starts` to `ends`, handed in at `handin`."""

    exam: Exam
    seed: int
    pupil: int
    compression: float
    starts: float
    ends: float

    @classmethod
    def of(cls, plan: StormPlan, pupil: int) -> Sitting:
        """Return the exam of the pupil of this number."""
        exam, ends = plan.profile.exam, deadline(plan)
        if exam is None or ends is None:
            raise ValueError(f"the profile {plan.profile.name} is no exam")
        starts = second_of(plan, exam.starts.value)
        return cls(exam, plan.seed, pupil, plan.compression, starts, ends)

    @property
    def paper(self) -> float:
        """When the pupil asks for the paper, if there by then."""
        if not self.exam.paper_within:
            return self.starts
        return self.starts + self.exam.paper_within * self._draw(PAPER_DRAW) / self.compression

    @property
    def handin(self) -> float:
        """When the pupil hands in."""
        return self.starts + self.exam.handin(self._draw(0)) * _MINUTE / self.compression

    def autosaves(self, begun: float) -> Iterator[tuple[int, float]]:
        """Yield number and time of each save until the hand-in, of a text `begun` at a second."""
        moment, end = begun, self.handin
        for number in count(1):
            moment += self._gap(number)
            if moment >= end:
                return
            yield number, moment

    def _gap(self, number: int) -> float:
        least = self.exam.autosave_least_seconds.value
        most = self.exam.autosave_most_seconds.value
        return (least + self._draw(number) * (most - least)) / self.compression

    def _draw(self, number: int) -> float:
        """Return the uniform draw of this number, of a stream that is this pupil's own."""
        key = (self.pupil + 1) * _WORD + self.seed % _WORD
        return float(draws(key, number, number + 1)[0])
