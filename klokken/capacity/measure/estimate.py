"""What was estimated, and from what: the parts of a measurement's record."""

from __future__ import annotations

from pydantic import Field

from klokken.document import Document
from klokken.results import Seconds, Whole
from klokken.topology import Tier

# The share of a demand by which division may lie beyond its interval: what a site uses with nobody
# there is read for a few seconds only, and is not quite what it uses beside its work.
TOLERANCE = 0.1


class Estimate(Document):
    """A figure and its interval."""

    value: Seconds
    low: Seconds
    high: Seconds

    @property
    def width(self) -> float:
        """How wide the interval is, as a share of a figure above 0."""
        return (self.high - self.low) / self.value


class StartFit(Document):
    """One start: what a tier uses idle, in cores, and what an errand costs it, in core-seconds.

    `check` are core-seconds an errand by division alone, idle included, over the same steps;
    `apart` are those without what the site used before anybody came, so that nothing of the line
    is in them, but for what else is done in an exam meanwhile.
    """

    start: Whole
    steps: Whole
    idle: Estimate
    demand: dict[str, Estimate]
    check: dict[str, Seconds]
    apart: dict[str, Seconds]
    spread: Seconds

    def disagrees(self, journey: str) -> bool:
        """Whether division lies beyond the interval of this start's demand, and some more."""
        demand = self.demand[journey]
        more = TOLERANCE * demand.value
        return not demand.low - more <= self.apart[journey] <= demand.high + more


class TierFit(Document):
    """A tier over all starts.

    A demand's `value` is that of the middle start, and its interval reaches from the lowest end
    of any start's to the highest: the upper end is that of the unlucky start. `groups` splits
    the value of each errand up by process group.
    """

    tier: Tier
    idle: Estimate
    demand: dict[str, Estimate]
    check: dict[str, Seconds]
    groups: dict[str, dict[str, Seconds]]
    starts: list[StartFit]


class Phase(Document):
    """How much dearer than warm a login is for a tier, by start."""

    factor: Estimate
    by_start: dict[int, Seconds]


class Warmth(Document):
    """A tier that begins cold: the first logins after a start, and those behind them."""

    tier: Tier
    cold: Phase
    warming: Phase


class Resource(Document):
    """Anything but CPU that a tier or machine uses: `idle`, and `each` journey a second on top."""

    place: str
    what: str
    unit: str
    idle: Estimate
    each: dict[str, Estimate]


class Compared(Document):
    """A figure that was predicted before it was looked at; `limit` None judges nothing."""

    what: str
    unit: str
    predicted: Seconds
    measured: Seconds
    limit: Seconds | None

    @property
    def error(self) -> float:
        """By how much the prediction is off, as a share of what was measured."""
        if not self.measured:
            return 0.0 if not self.predicted else float("inf")
        return self.predicted / self.measured - 1

    @property
    def kept(self) -> bool:
        """Whether the error is within its limit."""
        return self.limit is None or abs(self.error) <= self.limit


class HeldOut(Document):
    """The largest step of a start, which its demands were fitted without.

    `load` is what was rung, in words; `short` says in what the site fell short of it.
    """

    start: Whole
    profile: str
    rate: Seconds
    load: str
    short: list[str]
    figures: list[Compared] = Field(min_length=1)
