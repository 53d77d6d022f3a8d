"""When a pupil at an exam does what, in seconds of the storm: drawn, and the same each time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from klokken.curve import draws
from klokken.storm.timing import deadline, second_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from klokken.exam import Exam
    from klokken.results import StormPlan

LAST_MINUTES = 5.0
_MINUTE = 60.0
_WORD = 2**64


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
    def handin(self) -> float:
        """When the pupil hands in: a declared share at the last, others over the second half."""
        drawn, share = self._draw(0), self.exam.last_minutes_share.value
        last = self.ends - LAST_MINUTES * _MINUTE / self.compression
        if drawn < share:
            return last + drawn / share * (self.ends - last)
        half = (self.starts + self.ends) / 2
        return half + (drawn - share) / (1 - share) * (last - half)

    def autosaves(self, now: Callable[[], float]) -> Iterator[tuple[int, float]]:
        """Yield number and time of each save until the hand-in, counted from 1 and from now on.

        Those that came due while an earlier one was still under way are left out: a client has
        one timer, and saves what there is then.
        """
        moment, end = now(), self.handin
        for number in count(1):
            moment += self._gap(number)
            if moment >= end:
                return
            if moment > now():
                yield number, moment

    def _gap(self, number: int) -> float:
        least = self.exam.autosave_least_seconds.value
        most = self.exam.autosave_most_seconds.value
        return (least + self._draw(number) * (most - least)) / self.compression

    def _draw(self, number: int) -> float:
        """Return the uniform draw of this number, of a stream that is this pupil's own."""
        key = (self.pupil + 1) * _WORD + self.seed % _WORD
        return float(draws(key, number, number + 1)[0])
