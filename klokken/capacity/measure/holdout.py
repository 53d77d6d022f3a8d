"""The largest step, predicted by the simulator from what the smaller ones say, and compared.

Nothing of the step itself goes in but who was due when. Both count who completed within the
seconds that are measured, whenever they came: a site that falls behind completes fewer than come.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.demands import Prediction
from klokken.capacity.engine import column, events
from klokken.capacity.engine.tally import ANSWERED, LEFT
from klokken.capacity.measure import storms
from klokken.capacity.measure.estimate import Compared, HeldOut
from klokken.capacity.measure.likeness import site
from klokken.capacity.measure.schedule import MEASURED, WARM_UP
from klokken.capacity.model import model
from klokken.capacity.morning import NANO, Morning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.engine.model import Model
    from klokken.capacity.measure.likeness import Costs, Setting
    from klokken.capacity.measure.steps import Step
    from klokken.curve import Floats

# Simulations of one step, each with other draws of the work; their times are taken together.
DRAWS = 20
# The most by which a prediction may be off.
THROUGHPUT, UTILISATION, P95 = 0.10, 0.10, 0.25
# A tier that uses less than so many cores is compared and not judged: a hundredth of it is less
# than the kernel's clock ticks.
JUDGED_CORES = 0.05
_ENDLESS = 1000.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Journeys completed a second, and times of the whole journey in seconds."""

    throughput: float
    p50: float
    p95: float
    p99: float


def held_out(setting: Setting, costs: Costs, fitted: Sequence[Step], step: Step) -> HeldOut:
    """Predict `step` from the smaller ones of its start, and compare."""
    delay = unexplained(setting, costs, fitted)
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
    return HeldOut(
        start=step.start, profile=step.profile, rate=step.rate, short=step.short, figures=figures
    )


def predictions(several: Sequence[HeldOut]) -> list[Prediction]:
    """Return the worst error of each figure that has a limit."""
    judged = [
        (figure, f"start {each.start}, {each.rate:g} {each.profile} a second", figure.limit)
        for each in several
        for figure in each.figures
        if figure.limit is not None
    ]
    worst = {figure.what: (figure, storm, limit) for figure, storm, limit in judged}
    for figure, storm, limit in judged:
        if abs(figure.error) > abs(worst[figure.what][0].error):
            worst[figure.what] = (figure, storm, limit)
    return [
        # What should not have been there at all is off by more than can be written.
        Prediction(what=what, storm=storm, error=round(min(figure.error, _ENDLESS), 4), limit=limit)
        for what, (figure, storm, limit) in worst.items()
    ]


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


def unexplained(setting: Setting, costs: Costs, fitted: Sequence[Step]) -> float:
    """Return the seconds of a round trip that no CPU accounts for: networks, disks, the kernel.

    From the lighter half of the fitted steps, where hardly anybody waits for anybody.
    """
    own = [step for step in fitted if step.profile == setting.profile.name]
    light = [step for step in own if step.rate <= median(s.rate for s in own)]
    journey = costs.shared_out.journeys[setting.profile.journey]
    connects = sum(request.connects for request in journey.requests)
    trips = len(journey.requests) + setting.platform.set_up_trips * connects
    missing = [
        step.whole.p50 - _simulated(setting, costs, step.rate, step.seed, 0.0).p50 for step in light
    ]
    return max(0.0, median(missing)) / trips


def _simulated(setting: Setting, costs: Costs, rate: float, seed: int, delay: float) -> Outcome:
    """Return what becomes of a step's own arrivals on the platform."""
    people = storms.people_of(setting.profile, setting.accounts)
    profile = storms.steady(setting.profile, people, rate)
    due = storms.due(profile, seed, storms.LENGTH)
    number = np.arange(len(due))
    morning = Morning(number, (due * NANO).astype(np.int64), number, storms.LENGTH)
    known, platform = site(setting, costs, delay)
    journey = known.journeys[setting.profile.journey]
    # What grows with accounts is in the demands of the likeness already.
    built = (
        model(known, journey, platform, morning, seed=draw, accounts=0) for draw in range(DRAWS)
    )
    ended = [_ended(one) for one in built]
    completed = sum(count for _, count in ended)
    times = np.concatenate([waits for waits, _ in ended])
    p50, p95, p99 = np.percentile(times, (50, 95, 99)) if len(times) else (0.0, 0.0, 0.0)
    return Outcome(completed / DRAWS / MEASURED, float(p50), float(p95), float(p99))


def _ended(built: Model) -> tuple[Floats, int]:
    """Return how long those waited who ended in the seconds that are measured, in seconds.

    As in a record, who left is among them; then how many completed.
    """
    people = events.simulate(built).people
    ended, outcome = people[:, column.ENDED], people[:, column.OUTCOME]
    inside = (ended >= WARM_UP * NANO) & (ended < storms.LENGTH * NANO)
    waits = inside & ((outcome == ANSWERED) | (outcome == LEFT))
    waited = ended - built.arrivals[:, column.DUE] - people[:, column.THOUGHT]
    return waited[waits] / NANO, int((inside & (outcome == ANSWERED)).sum())
