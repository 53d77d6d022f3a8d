"""The largest step, predicted by the simulator from what the smaller ones say, and compared.

Nothing of the step itself goes in but who was due when. Where hosts share one machine, as in a
lab, they share its cores: the work of all tiers, the load generator's and Prometheus's with it,
is then done by one host with the cores of the machine and the places of the busiest tier. With
processor sharing that is exact, whichever tier the work is for, as long as places do not bind.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from klokken.capacity.demands import Demands, Journey
from klokken.capacity.engine import events
from klokken.capacity.engine.tally import ANSWERED, percentile
from klokken.capacity.measure import storms
from klokken.capacity.measure.estimate import Compared, HeldOut
from klokken.capacity.measure.schedule import MEASURED, WARM_UP
from klokken.capacity.model import model
from klokken.capacity.morning import MINUTE_SECONDS, NANO, Morning
from klokken.capacity.platform import Platform
from klokken.errors import InputError
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klokken.capacity.measure.schedule import Plan
    from klokken.capacity.measure.steps import Step
    from klokken.profile import Profile

# Simulations of one step, each with other draws of the work; their times are taken together.
DRAWS = 20
# The most by which a prediction may be off.
THROUGHPUT, UTILISATION, P95 = 0.10, 0.10, 0.25
# A tier that uses less than so many cores is compared and not judged: a hundredth of it is less
# than the kernel's clock ticks.
JUDGED_CORES = 0.05


@dataclass(frozen=True, slots=True)
class Costs:
    """What is known of a start: by tier, cores when idle and core-seconds a journey.

    `taken` are cores that others use, `shared_out` the demands by request.
    """

    idle: Mapping[Tier, float]
    each: Mapping[Tier, float]
    taken: float
    shared_out: Demands


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and what is simulated; `accounts` is how many can sign in."""

    plan: Plan
    profile: Profile
    platform: Platform
    accounts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Journeys completed a second, and times of the whole journey in seconds."""

    throughput: float
    p50: float
    p95: float
    p99: float


def held_out(setting: Setting, costs: Costs, fitted: Sequence[Step], step: Step) -> HeldOut:
    """Predict `step` from the smaller ones of its start, and compare."""
    delay = _delay(setting, costs, fitted)
    found = _simulated(setting, costs, step.rate, step.seed, delay)
    figures = [
        _compared("throughput", "journeys/s", found.throughput, step.achieved, THROUGHPUT),
        *(
            _compared(
                f"utilisation of {tier}",
                "cores",
                costs.idle[tier] + costs.each[tier] * found.throughput,
                use.cores,
                UTILISATION if use.cores >= JUDGED_CORES else None,
            )
            for tier, use in step.usage.tiers.items()
            if tier in costs.each
        ),
        _compared("p50", "s", found.p50, step.whole.p50, None),
        _compared("p95", "s", found.p95, step.whole.p95, P95),
        _compared("p99", "s", found.p99, step.whole.p99, None),
    ]
    return HeldOut(start=step.start, profile=step.profile, rate=step.rate, figures=figures)


def _compared(
    what: str, unit: str, predicted: float, measured: float, limit: float | None
) -> Compared:
    return Compared(
        what=what,
        unit=unit,
        predicted=round(predicted, 6),
        measured=round(measured, 6),
        limit=limit,
    )


def _delay(setting: Setting, costs: Costs, fitted: Sequence[Step]) -> float:
    """Return the seconds of a round trip that no CPU accounts for: networks, disks, the kernel.

    From the lighter half of the fitted steps, where hardly anybody waits for anybody.
    """
    own = [step for step in fitted if step.profile == setting.profile.name]
    light = [step for step in own if step.rate <= median(s.rate for s in own)]
    journey = costs.shared_out.journeys[setting.profile.journey]
    connects = sum(request.connects for request in journey.requests)
    trips = len(journey.requests) + setting.platform.set_up_trips * connects
    unexplained = [
        step.whole.p50 - _simulated(setting, costs, step.rate, step.seed, 0.0).p50 for step in light
    ]
    return max(0.0, median(unexplained)) / trips


def _simulated(setting: Setting, costs: Costs, rate: float, seed: int, delay: float) -> Outcome:
    """Return what becomes of a step's own arrivals on the platform."""
    people = storms.people_of(setting.profile, setting.accounts)
    profile = storms.steady(setting.profile, people, rate)
    due = storms.due(profile, seed, storms.LENGTH)
    # What is measured is to fill one of the minutes that the engine counts by.
    moments = ((due + MINUTE_SECONDS - WARM_UP) * NANO).astype(np.int64)
    number = np.arange(len(moments))
    morning = Morning(number, moments, number, MINUTE_SECONDS + MEASURED)
    known, platform = _site(setting, costs, delay)
    journey = known.journeys[setting.profile.journey]
    states = [
        events.simulate(model(known, journey, platform, morning, seed=draw))
        for draw in range(DRAWS)
    ]
    # A journey counts in the minute in which its pupil was due.
    answered = sum(int(state.counts[-1, ANSWERED, 1]) for state in states)
    times = sum((state.latency[-1, 1] for state in states), start=np.zeros(1, np.int64))
    p50, p95, p99 = (percentile(times, share) for share in (0.5, 0.95, 0.99))
    return Outcome(answered / DRAWS / MEASURED, p50, p95, p99)


def _site(setting: Setting, costs: Costs, delay: float) -> tuple[Demands, Platform]:
    """Return demands and platform of the site, what it does when idle taken off its cores."""
    plan, body = setting.plan, setting.platform.model_dump(mode="json")
    journey = costs.shared_out.journeys[setting.profile.journey]
    setting.platform.require(journey.tiers, setting.platform.name)
    for tier, part in body["tiers"].items():
        if Tier(tier) in plan.nodes:
            part["nodes"] = plan.nodes[Tier(tier)]
            part["cores"] = max(1, plan.cores[Tier(tier)] // part["nodes"])
        if plan.shared:
            part["round_trip_seconds"] = 0.0
    if plan.shared:
        busiest = max(journey.tiers, key=lambda tier: costs.each[tier])
        place = busiest if all(busiest in r.path for r in journey.requests) else Tier.EDGE
        known = _on_one_machine(setting, costs, place)
        part = body["tiers"][place]
        part["workers"] *= part["nodes"]
        part |= {"nodes": 1, "cores": max(plan.cores.values())}
    else:
        known = _on_hosts(setting, costs)
    body["tiers"]["edge"]["round_trip_seconds"] = min(1.0, delay)
    return known, Platform.model_validate(body)


def _on_one_machine(setting: Setting, costs: Costs, place: Tier) -> Demands:
    """Return demands in which one host does the work of all tiers and nobody else does any."""
    plan, body = setting.plan, costs.shared_out.model_dump(mode="json")
    journey = costs.shared_out.journeys[setting.profile.journey]
    slower = _slower(max(plan.cores.values()), sum(costs.idle.values()) + costs.taken)
    shares = [_cost(costs.shared_out, journey, n) for n in range(len(journey.requests))]
    whole, told = sum(costs.each.values()), sum(value for value, _ in shares)
    path = [Tier.EDGE] if place is Tier.EDGE else [Tier.EDGE, place]
    work, requests = {}, []
    for request, (value, variation) in zip(journey.requests, shares, strict=True):
        requests.append({**request.model_dump(mode="json"), "path": path})
        # Work that is no tier's of the journey, as the load generator's, goes with the rest.
        seconds = whole * slower * value / told
        work[request.name] = {tier: _exactly(0.0, 0.0) for tier in path}
        work[request.name][place] = _exactly(seconds, variation)
    one = {**body["journeys"][setting.profile.journey], "requests": requests}
    return Demands.model_validate(
        {
            "name": "one machine",
            "journeys": {setting.profile.journey: one},
            "work": work,
            "connection": _exactly(0.0, 0.0),
        }
    )


def _on_hosts(setting: Setting, costs: Costs) -> Demands:
    """Return the demands with each tier slower by what its hosts do when idle."""
    body = costs.shared_out.model_dump(mode="json")
    for works in body["work"].values():
        for tier, work in works.items():
            cores = setting.plan.cores.get(Tier(tier))
            if cores:
                slower = _slower(cores, costs.idle[Tier(tier)])
                work |= {at: work[at] * slower for at in ("low", "value", "high")}
    return Demands.model_validate(body)


def _slower(cores: int, idle: float) -> float:
    """Return by how much all takes longer where so many cores are busy with something else."""
    if idle >= cores:
        raise InputError(
            "measure", "idle", f"{idle:.1f} of {cores} cores are busy with nobody there"
        )
    return cores / (cores - idle)


def _cost(demands: Demands, journey: Journey, number: int) -> tuple[float, float]:
    """Return the work of a request at all tiers, and its variation."""
    request = journey.requests[number]
    works: list[Any] = [demands.work[request.name][tier] for tier in request.path]
    works += [demands.connection] * request.connects
    value = sum(work.value for work in works)
    spread = sqrt(sum((work.value * work.variation) ** 2 for work in works))
    return value, spread / value if value else 0.0


def _exactly(seconds: float, variation: float) -> dict[str, Any]:
    return {
        "low": seconds,
        "value": seconds,
        "high": seconds,
        "variation": variation,
        "source": "The smaller steps of the same start.",
    }
