"""From the steps of a measurement to the demands of each tier, or one line why not."""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.measure import fit
from klokken.capacity.measure.estimate import Estimate, StartFit, TierFit
from klokken.errors import Exit, KlokkenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from klokken.capacity.measure.steps import Start, Step, Steps
    from klokken.curve import Floats
    from klokken.topology import Tier

# Different rates of a journey that each start must keep beside the one held out: a line needs
# more than two, and a bootstrap more than a few.
LEAST_RATES = 5
# The widest interval to size from, as a share of its figure, of a tier that does so much of the
# work at least.
WIDEST, MATTERS = 1.0, 0.1


class UnfitError(KlokkenError):
    """What was measured does not say what was asked."""

    code = Exit.INVALID


def apart(own: Iterable[Step]) -> tuple[list[Step], list[Step]]:
    """Return those of a start's steps of a profile to fit, and those to hold out.

    Held out is the largest rate that counts, also where the site fell short of it: a prediction
    that only sees what went well cannot fail.
    """
    counting = [step for step in own if not step.excluded]
    largest = max((step.rate for step in counting), default=0.0)
    below = [step for step in counting if step.rate < largest and step.fits]
    return below, [step for step in counting if step.rate == largest]


def split(steps: Steps) -> tuple[dict[int, list[Step]], list[Step]]:
    """Return the steps to fit by start, and those held out of all starts and profiles.

    Raises UnfitError where a start has too few left.
    """
    fitted: dict[int, list[Step]] = {}
    held: list[Step] = []
    for number in range(1, steps.plan.starts + 1):
        fitted[number] = []
        for profile in steps.plan.profiles:
            wanted = (number, profile.name)
            own = [step for step in steps.warm() if (step.start, step.profile) == wanted]
            below, largest = apart(own)
            rates = {step.rate for step in below + largest}
            if len(rates) < LEAST_RATES + 1:
                raise UnfitError(_too_few(steps, number, profile.name, len(rates)))
            fitted[number] += below
            held += largest
    return fitted, held


def _too_few(steps: Steps, number: int, profile: str, kept: int) -> str:
    why: dict[str, int] = defaultdict(int)
    for step in steps.of(number):
        if step.phase == "warm" and step.profile == profile:
            for reason in [*step.excluded, *step.short][:1]:
                why[reason] += 1
    most = max(why, key=lambda reason: why[reason], default="they were not rung")
    return (
        f"{steps.path}: start {number} keeps {kept} of {steps.plan.steps} rates of {profile} and"
        f" needs {LEAST_RATES + 1} ({most}); measure again, with a lower --most or less else on"
        " the machine"
    )


def tier_fits(steps: Steps, fitted: dict[int, list[Step]]) -> list[TierFit]:
    """Return the demands of every tier that all steps saw."""
    every = [step for several in fitted.values() for step in several]
    tiers = [tier for tier in every[0].usage.tiers if all(tier in s.usage.tiers for s in every)]
    return [_tier_fit(steps, tier, fitted) for tier in tiers]


def _tier_fit(steps: Steps, tier: Tier, fitted: dict[int, list[Step]]) -> TierFit:
    journeys = steps.plan.journeys
    starts = [
        _start_fit(steps.starts[number], several, journeys, tier, seed=steps.plan.seed)
        for number, several in fitted.items()
    ]
    every = [step for several in fitted.values() for step in several]
    return TierFit(
        tier=tier,
        idle=over([start.idle for start in starts]),
        demand={journey: over([start.demand[journey] for start in starts]) for journey in journeys},
        check={journey: median(start.check[journey] for start in starts) for journey in journeys},
        groups=_groups(tier, every, journeys),
        starts=starts,
    )


def _start_fit(
    start: Start, steps: Sequence[Step], journeys: Sequence[str], tier: Tier, *, seed: int
) -> StartFit:
    used = np.array([step.usage.tiers[tier].cores for step in steps])
    line = fit.fitted(rates_of(steps, journeys), used, seed)
    own = {journey: [s for s in steps if s.journey == journey] for journey in journeys}
    nobody = start.idle.tiers[tier].cores if tier in start.idle.tiers else 0.0
    return StartFit(
        start=start.number,
        steps=len(steps),
        idle=estimate(line, 0),
        demand={journey: estimate(line, n) for n, journey in enumerate(journeys, 1)},
        check={journey: _divided(several, tier, 0.0) for journey, several in own.items()},
        apart={journey: _divided(several, tier, nobody) for journey, several in own.items()},
        spread=line.spread,
    )


def _divided(steps: Sequence[Step], tier: Tier, idle: float) -> float:
    """Return core-seconds by completions, but for so many cores that are used in any case."""
    used = sum((step.usage.tiers[tier].cores - idle) * step.seconds for step in steps)
    return max(0.0, used / sum(step.completed for step in steps))


def _groups(
    tier: Tier, steps: Sequence[Step], journeys: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Return what a journey costs each process group, over all starts and without an interval."""
    names = sorted({name for step in steps for name in step.usage.tiers[tier].cpu})
    rates = rates_of(steps, journeys)
    found: dict[str, dict[str, float]] = {journey: {} for journey in journeys}
    for name in names:
        used = np.array([step.usage.tiers[tier].cpu.get(name, 0.0) for step in steps])
        values = fit.line(rates, used)
        for journey, value in zip(journeys, values[1:], strict=True):
            found[journey][name] = round(float(value), 7)
    return found


def rates_of(steps: Sequence[Step], journeys: Sequence[str]) -> Floats:
    """Return the journeys completed a second, a row a step and a column a journey."""
    return np.array(
        [[s.achieved if s.journey == name else 0.0 for name in journeys] for s in steps]
    )


def estimate(line: fit.Line, number: int) -> Estimate:
    """Return one of the figures of a line."""
    low, value, high = (float(f[number]) for f in (line.low, line.value, line.high))
    return Estimate(value=value, low=low, high=high)


def over(several: Iterable[Estimate]) -> Estimate:
    """Return the figure of the middle start, between the ends that any of them has."""
    found = list(several)
    return Estimate(
        value=median(each.value for each in found),
        low=min(each.low for each in found),
        high=max(each.high for each in found),
    )


def check(fits: Sequence[TierFit], visited: Callable[[str], list[Tier]], source: Path) -> None:
    """Raise UnfitError where a demand that is needed is not above 0, or is known too vaguely."""
    for found in fits:
        for journey, demand in found.demand.items():
            if found.tier not in visited(journey):
                continue
            place = f"{source}: {found.tier}'s demand of {journey}"
            least = min(start.demand[journey].value for start in found.starts)
            if least <= 0:
                raise UnfitError(
                    f"{place} is not above 0: its CPU does not grow with the rate; measure again"
                    " with a higher --most"
                )
            whole = sum(each.demand[journey].value for each in fits)
            width = (demand.high - demand.low) / demand.value
            if width > WIDEST and demand.value > MATTERS * whole:
                raise UnfitError(
                    f"{place} is {demand.value * 1000:.1f} ms, from {demand.low * 1000:.1f} to"
                    f" {demand.high * 1000:.1f}: too wide to size from; measure again with more"
                    " --repeats, and less else on the machine"
                )
