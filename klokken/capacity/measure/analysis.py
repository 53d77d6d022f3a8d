"""From the steps of a measurement to the demands of each tier, or one line why not.

What is fitted are errands: journeys as a whole, and what the clock of an exam begins.
"""

from __future__ import annotations

from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.measure import fit
from klokken.capacity.measure.estimate import Estimate, StartFit, TierFit
from klokken.errors import Exit, KlokkenError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from klokken.capacity.measure.steps import Start, Step, Steps, Window
    from klokken.curve import Floats
    from klokken.topology import Tier

# Different rates of a journey that each start must keep beside the one held out: a line needs
# more than two, and a bootstrap more than a few.
LEAST_RATES = 5
# And exams in which tokens are renewed, since one alone would be all that is known of renewals.
LEAST_RENEWING = 2
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
            renewing = sum(step.renews for step in below)
            if profile.exam and renewing < LEAST_RENEWING:
                raise UnfitError(
                    f"{steps.path}: start {number} keeps {renewing} exams in which tokens were"
                    f" renewed and needs {LEAST_RENEWING}; measure again, with more --steps"
                )
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
    names = steps.plan.errands
    starts = [
        _start_fit(steps.starts[number], several, names, tier, seed=steps.plan.seed)
        for number, several in fitted.items()
    ]
    every = [step for several in fitted.values() for step in several]
    return TierFit(
        tier=tier,
        idle=over([start.idle for start in starts]),
        demand={name: over([start.demand[name] for start in starts]) for name in names},
        check={name: median(start.check[name] for start in starts) for name in names},
        groups=_groups(tier, every, names),
        starts=starts,
    )


def _start_fit(
    start: Start, steps: Sequence[Step], names: Sequence[str], tier: Tier, *, seed: int
) -> StartFit:
    rows = [row for step in steps for row in step.rows]
    runs = [number for number, step in enumerate(steps) for _ in step.rows]
    used = np.array([row.cores(tier) for row in rows])
    line = fit.fitted(rates_of(rows, names), used, seed, runs)
    demand = {name: estimate(line, n) for n, name in enumerate(names, 1)}
    nobody = start.idle.tiers[tier].cores if tier in start.idle.tiers else 0.0
    return StartFit(
        start=start.number,
        steps=len(steps),
        idle=estimate(line, 0),
        demand=demand,
        check={name: _divided(steps, name, tier, 0.0, demand) for name in names},
        apart={name: _divided(steps, name, tier, nobody, demand) for name in names},
        spread=line.spread,
    )


def _divided(
    steps: Sequence[Step], name: str, tier: Tier, idle: float, demand: Mapping[str, Estimate]
) -> float:
    """Return core-seconds by completions, but for so many cores that are used in any case.

    Of an exam's errand those of the windows with most of it, less what was done beside it.
    """
    rows = [max(step.rows, key=lambda row: row.rate(name)) for step in steps]
    own = [row for row in rows if row.errands.get(name)]
    beside = sum(
        demand[other].value * count
        for row in own
        for other, count in row.errands.items()
        if other != name
    )
    used = sum((row.cores(tier) - idle) * row.seconds for row in own) - beside
    return max(0.0, used / sum(row.errands[name] for row in own))


def _groups(tier: Tier, steps: Sequence[Step], names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return what an errand costs each process group, over all starts and without an interval."""
    rows = [row for step in steps for row in step.rows]
    rates = rates_of(rows, names)
    found: dict[str, dict[str, float]] = {name: {} for name in names}
    for group in sorted({group for row in rows for group in row.cpu[tier]}):
        used = np.array([row.cpu[tier].get(group, 0.0) for row in rows])
        values = fit.line(rates, used)
        for name, value in zip(names, values[1:], strict=True):
            found[name][group] = round(float(value), 7)
    return found


def rates_of(rows: Sequence[Window], names: Sequence[str]) -> Floats:
    """Return the errands done a second, a row a window and a column an errand."""
    return np.array([[row.rate(name) for name in names] for row in rows])


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


def check(fits: Sequence[TierFit], needed: Callable[[str], set[Tier]], source: Path) -> None:
    """Raise UnfitError where a demand that is needed is not above 0, or is known too vaguely."""
    for found in fits:
        for name, demand in found.demand.items():
            if found.tier not in needed(name):
                continue
            place = f"{source}: {found.tier}'s demand of {name}"
            if not above_nothing(found, name):
                raise UnfitError(
                    f"{place} is not above 0: its CPU does not grow with the rate; measure again"
                    " with a higher --most"
                )
            whole = sum(each.demand[name].value for each in fits)
            if demand.width > WIDEST and demand.value > MATTERS * whole:
                raise UnfitError(
                    f"{place} is {demand.value * 1000:.1f} ms, from {demand.low * 1000:.1f} to"
                    f" {demand.high * 1000:.1f}: too wide to size from; measure again with more"
                    " --repeats, and less else on the machine"
                )


def above_nothing(found: TierFit, name: str) -> bool:
    """Say whether every start tells a demand from nothing."""
    return min(start.demand[name].value for start in found.starts) > 0


def told(found: TierFit, name: str) -> bool:
    """Say whether a demand that is not needed is known better than it was before."""
    return above_nothing(found, name) and found.demand[name].width <= WIDEST
