"""Where a site has no core left: guessed before the steps are rung, and reckoned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.capacity.measure import storms
from klokken.capacity.measure.schedule import steady_rates
from klokken.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.accounts import Accounts
    from klokken.capacity.measure.schedule import Plan
    from klokken.capacity.measure.steps import Start, Step
    from klokken.topology import Tier


@dataclass(frozen=True, slots=True)
class Guess:
    """A knee in logins a second, and the rates to ring of each profile."""

    knee: float
    rates: dict[str, list[float]]


def highest(
    plan: Plan, idle: Mapping[Tier, float], each: Mapping[Tier, float], taken: float = 0.0
) -> float:
    """Return the journeys a second at which no core is left to somebody.

    `idle` and `each` are cores and core-seconds a journey by tier. Hosts that share a machine
    share its cores, and so do the load generator, Prometheus, and others who have `taken` some.
    """
    if plan.shared:
        free = plan.machine.cores - sum(idle.values()) - taken
        return max(0.0, free) / sum(each.values())
    return min(
        max(0.0, plan.cores[tier] - idle.get(tier, 0.0)) / used
        for tier, used in each.items()
        if used > 0
    )


def guessed(plan: Plan, base: Demands, accounts: Accounts, start: Start, last: Step) -> Guess:
    """Return where the knee of logins lies by one step of them, and the rates that follow.

    Other journeys are taken to cost as much more as the `base` says. A node that has seen few
    logins is dearer than it will be, so that the highest rate lies below the knee by some tenths.
    No rate takes more people than there are. Raises MachineError where the step cannot be told
    from, and InputError where the rates cannot be rung.
    """
    if last.excluded or not last.completed:
        why = "; ".join(last.excluded) or "none was completed"
        raise MachineError(
            f"the knee cannot be guessed from the logins after start {start.number} ({why}); go on"
            f" with --resume {plan.run}, or measure anew with --most"
        )
    idle = {tier: use.cores for tier, use in start.idle.tiers.items()}
    now = {tier: use.cores for tier, use in last.usage.tiers.items()}
    each = {tier: max(0.0, now[tier] - idle.get(tier, 0.0)) / last.achieved for tier in now}
    if not sum(each.values()):
        raise MachineError("the logins after the start used no CPU; see the site's Prometheus")
    knee = highest(plan, idle, each)
    login = _cost(base, accounts, "login")
    rates = {}
    for profile in plan.profiles:
        people = storms.people_of(profile, accounts.site)
        most = plan.most.get(profile.name) or min(
            knee * login / _cost(base, accounts, profile.journey),
            storms.highest(profile, people),
        )
        rates[profile.name] = steady_rates(most, plan.steps)
        storms.check(profile, people, rates[profile.name])
    return Guess(knee, rates)


def _cost(base: Demands, accounts: Accounts, name: str) -> float:
    """Return what a journey costs all tiers, as far as known before."""
    if name not in base.journeys:
        raise InputError(base.name, f"journeys.{name}", "missing", "give --demands with it")
    return sum(
        accounts.seconds(base, name, request.name, tier)
        for request in base.journeys[name].requests
        for tier in request.path
    )
