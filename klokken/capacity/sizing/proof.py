"""The proof of a plan: its whole morning at the exact level, with one host of a tier down.

And what happens until one that stands by has taken over, which proves nothing and is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity import simulation
from klokken.capacity.demands import VISITED
from klokken.capacity.model import model
from klokken.capacity.morning import MINUTE_SECONDS
from klokken.capacity.platform import MOST_PLACES, Kill, Platform
from klokken.capacity.resources import Resources
from klokken.capacity.sitting import coming, simulated
from klokken.capacity.sizing.asked import BOUND
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.demands import Demands
    from klokken.capacity.morning import Morning
    from klokken.capacity.simulation import Minute, Missed
    from klokken.capacity.sizing.search import Plan
    from klokken.profile import Profile


# Tiers whose work cannot be spread: a host of them does all of its own, and one more stands by.
STAND_BY = (Tier.DRIVE, Tier.DATABASE)


@dataclass(frozen=True, slots=True)
class Proof:
    """One morning of one site with `down` a host short, or none: what each minute came to."""

    down: Tier | None
    minutes: list[Minute]
    missed: list[Missed]
    offered: int
    completed: int
    result_hash: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """A morning in whose busiest minute a host of a tier dies, `died` seconds after it opens.

    One that stands by has taken over so many `seconds` later.
    """

    tier: Tier
    died: float
    seconds: float
    proof: Proof


def platform_of(plan: Plan, template: Platform, down: Tier | None) -> Platform:
    """Return a site of a plan, one host of the tier `down` short.

    Places and queues of a host are those of `template` in proportion to its cores, at the
    database the connections of all identity hosts. A cell that is down is carried by the host that
    stands by, and so is the database: what is left of both is what they had.
    """
    parts = {}
    pool = plan.asked.tiers[Tier.IDENTITY].resources.pool
    for tier, fit in plan.fits.items():
        part = template.tiers[tier]
        alone = tier in STAND_BY or tier is down
        scale = fit.cores / part.cores
        places = round(part.workers * scale)
        if tier is Tier.DATABASE and pool:
            places = round(pool.value) * plan.fits[Tier.IDENTITY].hosts
        parts[tier] = part.model_copy(
            update={
                "nodes": fit.up if alone else fit.hosts,
                "cores": fit.cores,
                "workers": min(MOST_PLACES, places),
                "queue": round(part.queue * scale),
                "stands_by": tier in STAND_BY,
            }
        )
    return template.model_copy(update={"name": plan.provider, "tiers": parts})


def prove(
    plan: Plan, profile: Profile, demands: Demands, template: Platform, seed: int
) -> list[Proof]:
    """Return the mornings of one of the plan's sites.

    One with all hosts, and one for each tier that the pupils' requests visit and that has fewer
    hosts with one down.
    """
    journey = demands.journeys[profile.journey]
    downs = [None, *(tier for tier in (Tier.EDGE, Tier.IDENTITY) if tier in journey.tiers)]
    morning = coming(profile, journey, seed, 1 / plan.sites)
    return [_proof(plan, profile, demands, template, morning, down, seed) for down in downs]


def takeovers(
    plan: Plan, profile: Profile, demands: Demands, template: Platform, seed: int
) -> list[Takeover]:
    """Return the mornings in which a host dies that another one stands by for.

    One for each tier of which the demands say how long taking over lasts.
    """
    morning = coming(profile, demands.journeys[profile.journey], seed, 1 / plan.sites)
    minutes = np.convolve(morning.by_second(), np.ones(MINUTE_SECONDS), "valid")
    found = []
    for tier in [tier for tier in STAND_BY if tier in plan.fits]:
        figure = demands.resources.get(tier, Resources()).takeover_seconds
        if figure:
            kill = Kill(tier, float(minutes.argmax()))
            proof = _proof(plan, profile, demands, template, morning, None, seed, [kill])
            found.append(Takeover(tier, kill.at, figure.at(BOUND), proof))
    return found


def _proof(  # noqa: PLR0913, PLR0917 - what a simulation follows from
    plan: Plan,
    profile: Profile,
    demands: Demands,
    template: Platform,
    morning: Morning,
    down: Tier | None,
    seed: int,
    kills: Sequence[Kill] = (),
) -> Proof:
    journey = demands.journeys[profile.journey]
    platform = platform_of(plan, template, down)
    built = model(
        demands,
        journey,
        platform,
        morning,
        seed=seed,
        # A site of a plan has the accounts of its own people, all of whom come.
        accounts=len(morning.comes),
        people=profile.people,
        kills=kills,
        bound=BOUND,
    )
    state = simulated(built, morning)
    names = [*(request.name for request in journey.requests), profile.journey]
    tiers = [str(tier) for tier in VISITED if tier in platform.tiers]
    minutes = simulation.minutes_of(built, state, names, tiers)
    totals = simulation.totals(state)
    return Proof(
        down=down,
        minutes=minutes,
        missed=simulation.missed(profile, minutes),
        offered=totals["offered"],
        completed=totals["completed"],
        result_hash=simulation.hashed(state, names),
    )
