"""The knee: the highest steady rate at which every minute keeps the service levels, simulated."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity import simulation
from klokken.capacity.demands import VISITED
from klokken.capacity.engine import events
from klokken.capacity.measure.knee import highest
from klokken.capacity.measure.likeness import site
from klokken.capacity.model import model
from klokken.capacity.morning import NANO, Morning
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.measure.likeness import Costs, Setting
    from klokken.capacity.measure.schedule import Plan

# How long a rate has to be borne, in seconds, and by how much it is told apart from the next.
LENGTH = 600
PRECISION = 0.01
# Tiers that spread their work over their hosts. A cell or a database that is down is replaced.
SPREADING = (Tier.EDGE, Tier.IDENTITY)


def may_be_down(plan: Plan) -> list[Tier]:
    """Return the tiers that have a host to lose; where all are on one machine, none."""
    return [] if plan.shared else [tier for tier in SPREADING if plan.nodes.get(tier, 1) > 1]


def knee(setting: Setting, costs: Costs, delay: float) -> float:
    """Return the highest journeys a second that keep the profile's service levels.

    With all hosts, and with one of each tier down that has one to lose; never more than where no
    core is left. A pupil's round trip takes `delay` seconds.
    """
    settings = [setting, *(_without(setting, tier) for tier in may_be_down(setting.plan))]
    return min(_borne(one, costs, delay) for one in settings)


def _without(setting: Setting, tier: Tier) -> Setting:
    """Return a site that is one host of a tier short."""
    plan = setting.plan
    nodes = plan.nodes[tier]
    left = {
        "nodes": {**plan.nodes, tier: nodes - 1},
        "cores": {**plan.cores, tier: plan.cores[tier] * (nodes - 1) // nodes},
    }
    return replace(setting, plan=plan.model_copy(update=left))


def _borne(setting: Setting, costs: Costs, delay: float) -> float:
    each = costs.each[setting.profile.journey]
    low, high = 0.0, highest(setting.plan, costs.idle, each, costs.taken)
    if high and _keeps(setting, costs, delay, high):
        return high
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        if _keeps(setting, costs, delay, middle):
            low = middle
        else:
            high = middle
    return low


def _keeps(setting: Setting, costs: Costs, delay: float, rate: float) -> bool:
    """Say whether every minute keeps every service level at a rate, pupils coming at random."""
    profile, seed = setting.profile, setting.plan.seed
    random = np.random.Generator(np.random.Philox(seed))
    people = np.arange(max(1, round(rate * LENGTH)))
    # The same draws at every rate, so that a higher one never seems to do better.
    due = np.sort((random.random(len(people)) * LENGTH * NANO).astype(np.int64))
    known, platform = site(setting, costs, delay)
    journey = known.journeys[profile.journey]
    # What grows with accounts is in the demands of the likeness already.
    built = model(
        known, journey, platform, Morning(people, due, people, LENGTH), seed=seed, accounts=0
    )
    names = [*(request.name for request in journey.requests), profile.journey]
    tiers = [str(tier) for tier in VISITED if tier in platform.tiers]
    minutes = simulation.minutes_of(built, events.simulate(built), names, tiers)
    return not simulation.missed(profile, minutes)
