"""Where a site has no core left: guessed before the steps are rung, and reckoned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.capacity.demands import EXAM
from klokken.capacity.measure import errands, storms
from klokken.capacity.measure.errands import AUTOSAVE, HANDIN, PAPER, REFRESH
from klokken.capacity.measure.schedule import HANDING_IN, PAPERS, RENEWAL, SAVES, SIGNING_IN
from klokken.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klokken.capacity.demands import Demands, Request
    from klokken.capacity.measure.accounts import Accounts
    from klokken.capacity.measure.schedule import Plan
    from klokken.capacity.measure.steps import Start, Step
    from klokken.topology import Tier


# The share of the cores that the busiest stretch of the largest exam is to take, as far as known,
# and that the highest rate of other profiles is to: an unlucky start, after which a login was seen
# to cost 40 % more, then has cores enough as well. Nearer to the knee a few percent of the work
# decide how long people wait, which no line through eight storms tells.
OF_EXAM, OF_RATE = 0.5, 0.7


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

    Other journeys are taken to cost as much more as the `base` says. The highest rate lies below
    the knee, and takes no more people than there are. Raises MachineError where the step cannot be
    told from, and InputError where the rates cannot be rung.
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
            largest(plan, idle, base, accounts)
            if profile.exam
            else OF_RATE * knee * login / _cost(base, accounts, profile.journey),
            storms.highest(profile, people),
        )
        rates[profile.name] = storms.rates_of(profile, most, plan.steps)
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


def largest(plan: Plan, idle: Mapping[Tier, float], base: Demands, accounts: Accounts) -> float:
    """Return how many pupils the largest exam is to have, by what its errands were known to cost.

    At the busiest it is to take the tiers' hosts a share of their cores, and no more.
    """
    journey = base.journeys[EXAM]
    own = {one.name: _each(base, accounts, one.requests) for one in errands.of(EXAM, journey)}
    first, *_ = journey.clocked.values()
    writing = {AUTOSAVE: 2 / sum(SAVES), REFRESH: 1 / RENEWAL}
    half = {name: often / 2 for name, often in writing.items()}
    stretches = [
        _per_second(own, writing),
        _per_second(own, {PAPER: 1 / PAPERS, **half}),
        _per_second(own, {HANDIN: 1 / HANDING_IN, **half}),
        {
            tier: each / SIGNING_IN
            for tier, each in _each(base, accounts, journey.requests[:first]).items()
        },
    ]
    return OF_EXAM * min(highest(plan, idle, each) for each in stretches)


def _each(base: Demands, accounts: Accounts, requests: Sequence[Request]) -> dict[Tier, float]:
    """Return what requests cost each tier, in core-seconds."""
    found: dict[Tier, float] = {}
    for request in requests:
        for tier in request.path:
            each = accounts.seconds(base, EXAM, request.name, tier)
            found[tier] = found.get(tier, 0.0) + each
    return found


def _per_second(
    own: Mapping[str, Mapping[Tier, float]], often: Mapping[str, float]
) -> dict[Tier, float]:
    """Return the cores that a pupil takes who does each errand so often a second."""
    tiers = {tier for name in often for tier in own[name]}
    return {t: sum(own[n].get(t, 0.0) * times for n, times in often.items()) for t in tiers}
