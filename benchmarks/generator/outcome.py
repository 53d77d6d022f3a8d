"""What was measured, and what many measurements come to."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Literal

from benchmarks.facts import Measured
from klokken.document import Document
from klokken.results import Seconds, Whole

if TYPE_CHECKING:
    from collections.abc import Iterable

# The questions, each of which is a part of a run.
Part = Literal["cost", "lateness", "limit", "waiting"]
# A generator has reached its limit where it does less than this share of what was asked, or
# uses so much of a core.
ACHIEVED, FULL = 0.9, 0.95
# By how much of the rate a trial may miss it, either way, and still stand for it.
TOLERANCE = 0.05


class Lateness(Document):
    """How late logins began, in seconds."""

    p50: Seconds
    p99: Seconds
    p999: Seconds


class Own(Document):
    """What a generator says of a whole trial."""

    done: Whole
    failed: Whole
    lateness: Lateness | None


class Trial(Document):
    """One generator at one rate, over a window of `seconds` in which it did `done` logins.

    CPU is that of all its processes in the window; `share` of a core is what was aimed at; `split`
    logins of the whole trial were not on one connection of their own.
    """

    part: Part
    name: str
    rate: Seconds
    seconds: Seconds
    done: Whole
    cpu_seconds: Seconds
    memory_bytes: Whole
    failed: Whole
    lateness: Lateness | None
    share: Seconds = 0
    tls: str = ""
    split: Whole = 0

    @property
    def milliseconds(self) -> float:
        """CPU-milliseconds a login."""
        return 1000 * self.cpu_seconds / self.done if self.done else float("inf")

    @property
    def cores(self) -> float:
        """The CPU used, in cores."""
        return self.cpu_seconds / self.seconds

    @property
    def achieved(self) -> float:
        """Logins a second that were done."""
        return self.done / self.seconds

    @property
    def kept_up(self) -> bool:
        """Whether the generator did what was asked: as much, and no more."""
        return not self.failed and abs(self.achieved - self.rate) <= TOLERANCE * self.rate

    @property
    def held(self) -> bool:
        """Whether it had not reached its limit: it was up to the rate, with CPU to spare."""
        return not self.failed and self.achieved >= ACHIEVED * self.rate and self.cores < FULL


class Waiting(Document):
    """The memory of a generator with so many `pupils` who wait to be due."""

    name: str
    pupils: Whole
    memory_bytes: Whole


class Comparison(Measured):
    """All that was measured, in one run or in parts of one."""

    against: str
    trials: list[Trial]
    waiting: list[Waiting]

    def costs(self, name: str, rate: float) -> list[float]:
        """Return the CPU-milliseconds a login of the trials that did what was asked."""
        return [
            trial.milliseconds
            for trial in self.trials
            if (trial.part, trial.name, trial.rate) == ("cost", name, rate) and trial.kept_up
        ]


def ratio(ours: Iterable[float], theirs: Iterable[float]) -> float | None:
    """Return the ratio of two medians, or None where either was not measured."""
    ours, theirs = list(ours), list(theirs)
    return median(ours) / median(theirs) if ours and theirs else None


def each_pupil(waiting: Iterable[Waiting], name: str) -> float | None:
    """Return the bytes that a waiting pupil adds: between the fewest and the most of them."""
    found = sorted((w.pupils, w.memory_bytes) for w in waiting if w.name == name)
    if len(found) < 2 or found[0][0] == found[-1][0]:  # noqa: PLR2004 - a difference needs two
        return None
    (few, least), (many, most) = found[0], found[-1]
    return (most - least) / (many - few)
