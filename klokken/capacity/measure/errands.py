"""Errands: what is counted and fitted, a whole journey or what the clock of an exam begins.

Storms ring whole journeys, and nothing less can be told from them. What an exam's clock begins
comes in proportions that change while it is sat, and so is told apart. Its login is a login's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.capacity.demands import CLOCKS, EXAM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.capacity.demands import Demands, Journey, Request
    from klokken.topology import Tier

PAPER, REFRESH, AUTOSAVE, HANDIN = "paper", "refresh", "autosave", "handin"
_BEGUN = dict(zip(CLOCKS, (PAPER, REFRESH, AUTOSAVE, HANDIN), strict=True))


@dataclass(frozen=True, slots=True)
class Errand:
    """What is done as one, of which journey, by which requests."""

    name: str
    journey: str
    requests: list[Request]

    @property
    def tiers(self) -> set[Tier]:
        """The tiers that it visits."""
        return {tier for request in self.requests for tier in request.path}

    @property
    def connects(self) -> int:
        """How often it connects when it is measured: an exam's login has just done so."""
        return 0 if self.journey == EXAM else sum(r.connects for r in self.requests)

    def counted(self, answered: Mapping[str, int], files: int) -> float:
        """Return how often it was done by how often its requests were `answered`.

        Who is amid its requests has done a part of it. A paper has so many `files`.
        """
        counts = (
            answered.get(r.name, 0) / (files if r.name == PAPER else 1) for r in self.requests
        )
        return sum(counts) / len(self.requests)

    def needs(self, demands: Demands) -> set[Tier]:
        """Return the tiers whose work must be told: of an exam's errand the one with most of it.

        Others do so little of it, and so much else, that it may be lost in that. So may a renewal,
        of which there is one to some saves.
        """
        if self.journey != EXAM:
            return self.tiers
        works = {
            tier: sum(demands.work[r.name][tier].value for r in self.requests if tier in r.path)
            for tier in self.tiers
        }
        return {max(works, key=lambda tier: works[tier])} if self.name != REFRESH else set()


def of(name: str, journey: Journey) -> list[Errand]:
    """Return the errands of a journey."""
    if name != EXAM:
        return [Errand(name, name, journey.requests)]
    begins = journey.begins
    return [
        Errand(
            _BEGUN[clock],
            name,
            [r for r, begun in zip(journey.requests, begins, strict=True) if begun == first],
        )
        for clock, first in journey.clocked.items()
    ]


def errands(demands: Demands) -> dict[str, Errand]:
    """Return every errand that demands know, by its name."""
    return {
        one.name: one for name, journey in demands.journeys.items() for one in of(name, journey)
    }
