"""What the benchmark found."""

from __future__ import annotations

from statistics import median

from benchmarks.facts import Measured
from klokken.document import Document


class Contest(Document):
    """One implementation of the queue: visits a second in each round, and its mean time.

    A second is one of CPU time on one core, and of the clock on two. The mean is in units of the
    mean work; theory is Erlang C's.
    """

    name: str
    visits: int
    rates: list[float]
    mean: float

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return median(self.rates)


class Benchmark(Measured):
    """A whole run."""

    theory: float
    contests: list[Contest]
    bavaria: dict[str, int | float | str]

    def ratio(self, contest: Contest) -> float:
        """Return how many times SimPy's rate a contest has."""
        return contest.rate / self.contests[0].rate
