"""What the benchmark found."""

from __future__ import annotations

from statistics import median

from benchmarks.facts import Measured
from klokken.document import Document
from klokken.results import Seconds, Whole


class Contest(Document):
    """One implementation of the queue: visits a second in each round, and its mean time.

    A second is one of CPU time on one core, and of the clock on two. `events` are those of a
    visit, None where there are none. The mean is in units of the mean work; theory is Erlang C's.
    """

    name: str
    visits: Whole
    rates: list[float]
    events: float | None
    mean: float

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return median(self.rates)


class Bavaria(Document):
    """A whole morning, which all of its people completed, and the seconds that it took."""

    people: Whole
    requests: Whole
    visits: Whole
    events: Whole
    build_seconds: Seconds
    fluid_seconds: Seconds
    exact_seconds: Seconds
    exact_cpu_seconds: Seconds
    hash: str


class Benchmark(Measured):
    """A whole run; all contests and the morning have a part in each round."""

    theory: float
    contests: list[Contest]
    bavaria: list[Bavaria]

    def ratios(self, contest: Contest) -> list[float]:
        """Return how many times SimPy's rate a contest has, in each round."""
        simpy = self.contests[0].rates
        return [rate / slow for rate, slow in zip(contest.rates, simpy, strict=True)]

    def ratio(self, contest: Contest) -> float:
        """Return the median of `ratios`."""
        return median(self.ratios(contest))
