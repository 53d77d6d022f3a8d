"""The proof of a plan: its whole morning at the exact level, with one host of a tier down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.capacity import simulation
from klokken.capacity.demands import VISITED
from klokken.capacity.engine import events
from klokken.capacity.model import model
from klokken.capacity.morning import Morning
from klokken.capacity.platform import MOST_PLACES, Platform
from klokken.capacity.sizing.asked import BOUND
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.demands import Demands
    from klokken.capacity.simulation import Minute, Missed
    from klokken.capacity.sizing.search import Plan
    from klokken.profile import Profile


@dataclass(frozen=True, slots=True)
class Proof:
    """One morning of one site with `down` a host short, or none: what each minute came to."""

    down: Tier | None
    minutes: list[Minute]
    missed: list[Missed]
    offered: int
    completed: int
    result_hash: str


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
        alone = tier in (Tier.DRIVE, Tier.DATABASE) or tier is down
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
    visited = demands.journeys[profile.journey].tiers
    downs = [None, *(tier for tier in (Tier.EDGE, Tier.IDENTITY) if tier in visited)]
    morning = Morning.of(profile, seed, 1 / plan.sites)
    return [_proof(plan, profile, demands, template, morning, down, seed) for down in downs]


def _proof(  # noqa: PLR0913, PLR0917 - what a simulation follows from
    plan: Plan,
    profile: Profile,
    demands: Demands,
    template: Platform,
    morning: Morning,
    down: Tier | None,
    seed: int,
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
        accounts=len(morning.due),
        people=profile.people,
        bound=BOUND,
    )
    state = events.simulate(built)
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
