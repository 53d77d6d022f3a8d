"""A site as the simulator is to see it: what is idle taken off its cores, one machine as one host.

Where hosts share one machine, as in a lab, they share its cores: the work of all tiers, the load
generator's and Prometheus's with it, is then done by one host with the cores of the machine and
the places of the busiest tier. With processor sharing that is exact, whichever tier the work is
for, as long as places do not bind.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

from klokken.capacity.demands import EXAM, Demands
from klokken.capacity.measure import errands
from klokken.capacity.platform import Platform
from klokken.errors import InputError
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klokken.capacity.demands import Request
    from klokken.capacity.measure.accounts import Accounts
    from klokken.capacity.measure.schedule import Plan
    from klokken.profile import Profile


@dataclass(frozen=True, slots=True)
class Costs:
    """What is known of a start: cores when idle, by tier, and core-seconds of each errand of one.

    `taken` are cores that others use, `shared_out` the demands by request, some of which grow
    with `accounts`.
    """

    idle: Mapping[Tier, float]
    each: Mapping[str, Mapping[Tier, float]]
    taken: float
    shared_out: Demands
    accounts: Accounts


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and what is simulated; `accounts` is how many can sign in."""

    plan: Plan
    profile: Profile
    platform: Platform
    accounts: int


def at_bound(demands: Demands, bound: str) -> Demands:
    """Return demands whose every figure is that of one end of its interval."""
    work = {
        request: {
            tier: one.model_copy(update=dict.fromkeys(("low", "value", "high"), one.at(bound)))
            for tier, one in there.items()
        }
        for request, there in demands.work.items()
    }
    return demands.model_copy(update={"work": work})


def site(setting: Setting, costs: Costs, delay: float) -> tuple[Demands, Platform]:
    """Return demands and platform; `delay` is the round trip of a pupil, in seconds."""
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
        busiest = max(journey.tiers, key=lambda t: sum(own[t] for own in costs.each.values()))
        place = busiest if all(busiest in r.path for r in journey.requests) else Tier.EDGE
        known = _on_one_machine(setting, costs, place)
        part = body["tiers"][place]
        part["workers"] *= part["nodes"]
        part |= {"nodes": 1, "cores": plan.machine.cores}
    else:
        known = _on_hosts(setting, costs)
    body["tiers"]["edge"]["round_trip_seconds"] = min(1.0, delay)
    return known, Platform.model_validate(body)


def _on_one_machine(setting: Setting, costs: Costs, place: Tier) -> Demands:
    """Return demands in which one host does the work of all tiers and nobody else does any."""
    plan, body = setting.plan, costs.shared_out.model_dump(mode="json")
    slower = _slower(plan.machine.cores, sum(costs.idle.values()) + costs.taken)
    path = [Tier.EDGE] if place is Tier.EDGE else [Tier.EDGE, place]
    asked = _asked(setting, costs)
    requests = [{**request.model_dump(mode="json"), "path": path} for request in asked]
    # Requests of no errand that is fitted, an exam's login, are not rung when it is measured.
    work = {request.name: {tier: _exactly(0.0, 0.0) for tier in path} for request in asked}
    own = errands.of(setting.profile.journey, costs.shared_out.journeys[setting.profile.journey])
    for errand in own:
        names = {request.name for request in errand.requests}
        shares = {r.name: _cost(setting, costs, r) for r in asked if r.name in names}
        told = sum(value for value, _ in shares.values())
        # Work that is no tier's of the journey, as the load generator's, goes with the rest.
        whole = sum(costs.each[errand.name].values()) * slower
        for name, (value, variation) in shares.items():
            work[name][place] = _exactly(whole * value / told, variation)
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
    """Return the demands with each tier slower by what its hosts do when idle.

    What work grew by with the site's accounts is in it, and does not grow any more.
    """
    body = costs.shared_out.model_dump(mode="json")
    name = setting.profile.journey
    requests = [request.model_dump(mode="json") for request in _asked(setting, costs)]
    body["journeys"] = {name: {**body["journeys"][name], "requests": requests}}
    for request in costs.shared_out.journeys[name].requests:
        for tier in request.path:
            work = body["work"][request.name][tier]
            more = costs.accounts.growth(costs.shared_out, name, request.name, tier)
            cores = setting.plan.cores.get(tier)
            slower = _slower(cores, costs.idle.get(tier, 0.0)) if cores else 1.0
            work |= {at: (work[at] + more) * slower for at in ("low", "value", "high")}
            work["each_account"] = None
    return Demands.model_validate(body)


def _slower(cores: int, idle: float) -> float:
    """Return by how much all takes longer where so many cores are busy with something else."""
    if idle >= cores:
        raise InputError(
            "measure", "idle", f"{idle:.1f} of {cores} cores are busy with nobody there"
        )
    return cores / (cores - idle)


def _asked(setting: Setting, costs: Costs) -> Sequence[Request]:
    """Return the requests of the journey; an exam that is measured has just connected."""
    requests = costs.shared_out.journeys[setting.profile.journey].requests
    if setting.profile.journey != EXAM:
        return requests
    return [request.model_copy(update={"connects": False}) for request in requests]


def _cost(setting: Setting, costs: Costs, request: Request) -> tuple[float, float]:
    """Return the work of a request at all tiers, and its variation."""
    demands = costs.shared_out
    works = [
        (
            costs.accounts.seconds(demands, setting.profile.journey, request.name, tier),
            demands.work[request.name][tier].variation,
        )
        for tier in request.path
    ]
    works += [(demands.connection.value, demands.connection.variation)] * request.connects
    value = sum(seconds for seconds, _ in works)
    spread = sqrt(sum((seconds * variation) ** 2 for seconds, variation in works))
    return value, spread / value if value else 0.0


def _exactly(seconds: float, variation: float) -> dict[str, Any]:
    return {
        "low": seconds,
        "value": seconds,
        "high": seconds,
        "variation": variation,
        "source": "The smaller steps of the same start.",
    }
