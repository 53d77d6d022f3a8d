"""How many accounts a journey's people meet at each tier, by which some of its work grows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import mean
from typing import TYPE_CHECKING

import numpy as np

from klokken import population
from klokken.capacity.measure.analysis import UnfitError
from klokken.capacity.morning import everyone
from klokken.errors import InputError
from klokken.remote import Remote
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.schedule import Plan
    from klokken.inventory import Inventory
    from klokken.profile import Profile


# Of each person who ever signed in at a cell: that is what makes an account there.
_SPACES = "/srv/data/drive/data/storage/users/indexes/by-type/personal"


def spaces(cell: Remote) -> int:
    """Return how many people have a space of their own in a cell of the drive."""
    script = f"ls -U {_SPACES} 2>/dev/null | wc -l"
    return int(cell.run(["sh", "-c", script], root=True).strip() or 0)


def in_cells(inventory: Inventory, profiles: Sequence[Profile]) -> dict[str, float]:
    """Return the accounts that each of `profiles` meets in its cell; InputError where none."""
    cells = [spaces(cell) for cell in Remote.of(inventory, Tier.DRIVE)]
    found = {profile.name: met(profile, cells) for profile in profiles}
    for name, count in found.items():
        if not count:
            raise InputError(
                f"profile {name}", "pupils", "nobody has a drive yet", f"run `klokken seed {name}`"
            )
    return found


def met(profile: Profile, cells: Sequence[int]) -> float:
    """Return how many accounts the cell of a profile's people has, on average over the people.

    `cells` has how many each of the site's cells has.
    """
    schools = population.schools_of(0, everyone(profile), profile.pupils.value)
    people = Counter((schools % len(cells)).tolist())
    return float(np.average([cells[cell] for cell in people], weights=list(people.values())))


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of a site that is measured: all there are, and of cells what the plan says."""

    site: int
    plan: Plan

    def at(self, journey: str, tier: Tier) -> float:
        """Return how many somebody of a journey meets at a tier; raise UnfitError if unknown."""
        if tier is not Tier.DRIVE:
            return self.site
        names = [profile.name for profile in self.plan.profiles if profile.journey == journey]
        known = [self.plan.in_cell[name] for name in names if name in self.plan.in_cell]
        if not known:
            raise UnfitError(
                f"{self.plan.run}: has not counted the accounts of the drive's cells; measure again"
            )
        return mean(known)

    def seconds(self, demands: Demands, journey: str, request: str, tier: Tier) -> float:
        """Return what a request costs a tier with the accounts there."""
        own = demands.work[request][tier].value
        return own + self.growth(demands, journey, request, tier)

    def growth(self, demands: Demands, journey: str, request: str, tier: Tier) -> float:
        """Return by how many seconds a request is dearer for all the accounts at a tier."""
        more = demands.work[request][tier].each_account
        return more.value * self.at(journey, tier) if more else 0.0
