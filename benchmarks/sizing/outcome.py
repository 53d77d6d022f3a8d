"""What was measured of sizing, and what was found meanwhile."""

from __future__ import annotations

from datetime import date

from benchmarks.facts import Measured
from klokken.capacity.sizing.answer import Cost, Sizing, TierAnswer
from klokken.document import Document
from klokken.results import Whole

# Seconds by the clock, and of CPU.
Took = tuple[float, float]


class Answer(Document):
    """What `klokken size` found for a profile, and how many mornings of how many it played."""

    profile: str
    pupils: Whole
    provider: str
    title: str
    dated: date
    sites: Whole
    pupils_a_site: Whole
    hosts: Whole
    tiers: list[TierAnswer]
    cost: Cost
    mornings: Whole
    people: Whole

    @classmethod
    def of(cls, found: Sizing) -> Answer:
        """Return what is kept of a sizing."""
        [offer] = [one for one in found.offers if one.provider == found.provider]
        return cls(
            profile=found.profile,
            pupils=found.pupils,
            provider=found.provider,
            title=found.title,
            dated=offer.dated,
            sites=found.sites,
            pupils_a_site=found.pupils_a_site,
            hosts=found.hosts,
            tiers=found.tiers,
            cost=found.cost,
            mornings=len(found.mornings) + len(found.takeovers),
            people=found.mornings[0].offered,
        )


class Timing(Document):
    """One command in a process of its own, in each round; `waves` has no answer but a number."""

    command: str
    rounds: list[Took]
    answer: Answer | None = None
    waves: Whole = 0

    @property
    def clock(self) -> list[float]:
        """Seconds by the clock, by round."""
        return [clock for clock, _ in self.rounds]

    @property
    def cpu(self) -> list[float]:
        """Seconds of CPU, by round."""
        return [cpu for _, cpu in self.rounds]


class Benchmark(Measured):
    """What was measured; `first` is that of the first command with nothing compiled yet.

    `flat` and `bells` are Denmark otherwise: with the drive, but demands of which none grows with
    accounts, and logins at schools of which half begin at another time.
    """

    first: Took
    timings: list[Timing]
    flat: Answer
    bells: Answer

    def answer(self, profile: str) -> Answer:
        """Return what was found for a profile."""
        [found] = [
            one.answer for one in self.timings if one.answer and one.answer.profile == profile
        ]
        return found

    def slowest(self, *profiles: str) -> float:
        """Return the most seconds by the clock that a sizing of one of the profiles took."""
        return max(
            clock
            for one in self.timings
            if one.answer and one.answer.profile in profiles
            for clock in one.clock
        )
