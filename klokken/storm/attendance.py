"""Who takes part in a storm, and when: the pupils of a plan whose due time is in its window."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from klokken import population
from klokken.curve import Curve, Floats, seconds

if TYPE_CHECKING:
    from klokken.results import StormPlan

Pupils: TypeAlias = NDArray[np.int64]

# Seconds over which a peak is taken, so that one odd second does not stand for it.
_BUSY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Attendance:
    """Pupils in the order in which they are due, in seconds since the storm's `opens`."""

    pupils: Pupils
    due: Floats

    def __len__(self) -> int:
        """Return how many they are."""
        return len(self.pupils)

    @property
    def nbytes(self) -> int:
        """The memory that this takes, in bytes."""
        return self.pupils.nbytes + self.due.nbytes

    def peak(self) -> float:
        """Return how many are due a second in the busiest five of them."""
        counts = np.convolve(self.by_second() or [0], np.ones(_BUSY_SECONDS))
        return float(counts.max()) / _BUSY_SECONDS

    def by_second(self) -> list[int]:
        """Return how many are due in each second since `opens`."""
        return [int(n) for n in np.bincount(self.due.astype(np.int64))]


def attendance(plan: StormPlan, first: int, end: int) -> Attendance:
    """Return who of the people `first` to `end` - 1 takes part in the storm of `plan`."""
    opens, closes = seconds(plan.opens), seconds(plan.closes)
    due = Curve.of(plan.profile.arrivals).due(plan.seed, first, end)
    if plan.profile.bells:
        moves = plan.profile.bells.moves(plan.seed, population.schools(plan.pupils))
        due += moves[population.schools_of(first, end, plan.pupils)]
    present = np.flatnonzero((due >= opens) & (due < closes))
    order = present[np.argsort(due[present], kind="stable")]
    return Attendance(order + first, (due[order] - opens) / plan.compression)


def shares(people: int, workers: int) -> list[tuple[int, int]]:
    """Return a range [first, end) of the people for each worker, as even as can be."""
    edges = [people * n // workers for n in range(workers + 1)]
    return list(pairwise(edges))
