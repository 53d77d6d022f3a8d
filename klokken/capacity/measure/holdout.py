"""The largest step, predicted by the simulator from what the smaller ones say, and compared.

Nothing of the step itself goes in but who was due when. Both count who completed within the
seconds that are measured, whenever they came: a site that falls behind completes fewer than come.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from klokken import population
from klokken.capacity.demands import EXAM, Prediction
from klokken.capacity.engine import column, events
from klokken.capacity.engine.tally import ANSWERED, LEFT
from klokken.capacity.measure import errands, exams, storms
from klokken.capacity.measure.estimate import Compared, HeldOut
from klokken.capacity.measure.likeness import site
from klokken.capacity.measure.schedule import EXAM_LENGTH, WARM_UP, WINDOWS
from klokken.capacity.model import model
from klokken.capacity.morning import NANO, Morning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.demands import Journey
    from klokken.capacity.engine.model import Integers, Model
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
    """How often each errand was done a second, and times of the one that people wait for."""

    done: dict[str, float]
    p50: float
    p95: float
    p99: float


def held_out(setting: Setting, costs: Costs, fitted: Sequence[Step], step: Step) -> HeldOut:
    """Predict `step` from the smaller ones of its start, and compare."""
    delay = unexplained(setting, costs, fitted)
    found = _simulated(setting, costs, step, delay)
    done = step.done
    figures = [
        _compared(*_throughput(name), found.done[name], done.get(name, 0.0), THROUGHPUT)
        for name in found.done
    ]
    figures += [
        *(
            _compared(
                f"utilisation of {tier}",
                "cores",
                costs.idle[tier]
                + sum(costs.each[n][tier] * often for n, often in found.done.items()),
                use.cores,
                UTILISATION if use.cores >= JUDGED_CORES else None,
            )
            for tier, use in step.usage.tiers.items()
            if tier in costs.idle
        ),
        _compared("p50", "s", found.p50, step.whole.p50, None),
        _compared("p95", "s", found.p95, step.whole.p95, P95),
        _compared("p99", "s", found.p99, step.whole.p99, None),
    ]
    return HeldOut(
        start=step.start,
        profile=step.profile,
        rate=step.rate,
        load=step.load,
        short=step.short,
        figures=figures,
    )


def _throughput(name: str) -> tuple[str, str]:
    """Return what is counted of an errand, and its unit."""
    what = "throughput" if name in {"login", "morning"} else f"throughput of {name}"
    return what, "a second"


def predictions(several: Sequence[HeldOut]) -> list[Prediction]:
    """Return the worst error of each figure that has a limit."""
    judged = [
        (figure, f"start {each.start}, {each.load}", figure.limit)
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
    if setting.profile.exam:
        # What people wait for is a save, which is one.
        trips = 1
    missing = [step.whole.p50 - _simulated(setting, costs, step, 0.0).p50 for step in light]
    return max(0.0, median(missing)) / trips


def _simulated(setting: Setting, costs: Costs, step: Step, delay: float) -> Outcome:
    """Return what becomes of a step's own arrivals on the platform."""
    known, platform = site(setting, costs, delay)
    journey = known.journeys[setting.profile.journey]
    first, end = (
        (WINDOWS[0][0], WINDOWS[-1][1]) if setting.profile.exam else (WARM_UP, storms.LENGTH)
    )
    morning = _exam(setting, journey, step) if setting.profile.exam else _rung(setting, step)
    own = errands.of(setting.profile.journey, journey)
    # What grows with accounts is in the demands of the likeness already.
    built = (
        model(known, journey, platform, morning, seed=draw, accounts=0) for draw in range(DRAWS)
    )
    ended = [_ended(one, first, end) for one in built]
    begins = [journey.requests.index(errand.requests[0]) for errand in own]
    counts = np.sum([done for _, _, done in ended], axis=0) / DRAWS / (end - first)
    waited_for = journey.clocked.get("save", 0)
    times = np.concatenate([waits[begun == waited_for] for waits, begun, _ in ended])
    p50, p95, p99 = np.percentile(times, (50, 95, 99)) if len(times) else (0.0, 0.0, 0.0)
    done = {errand.name: float(counts[n]) for errand, n in zip(own, begins, strict=True)}
    return Outcome(done, float(p50), float(p95), float(p99))


def _rung(setting: Setting, step: Step) -> Morning:
    """Return those who come in a step at a steady rate."""
    people = storms.people_of(setting.profile, setting.accounts)
    due = storms.due(storms.steady(setting.profile, people, step.rate), step.seed, storms.LENGTH)
    number = np.arange(len(due))
    return Morning(number, (due * NANO).astype(np.int64), number, storms.LENGTH)


def _exam(setting: Setting, journey: Journey, step: Step) -> Morning:
    """Return what the clock begins in an exam, at the storm's own moments."""
    profile = exams.sitting(setting.profile, step.rate, renews=step.renews)
    own = errands.of(EXAM, journey)
    begins = {one.name: journey.requests.index(one.requests[0]) for one in own}
    begun = exams.begun(profile, step.seed)
    number = np.arange(len(begun))
    due = (np.array([moment for _, moment, _ in begun]) * NANO).astype(np.int64)
    first = np.array([begins[name] for name, _, _ in begun])
    pupils = np.array([pupil for _, _, pupil in begun])
    schools = population.schools_of(0, profile.pupils.value, profile.pupils.value)[pupils]
    return Morning(number, due, schools, EXAM_LENGTH, first)


def _ended(built: Model, first: int, end: int) -> tuple[Floats, Integers, Integers]:
    """Return who ended in the seconds that are measured: the wait in seconds, and what was begun.

    As in a record, who left is among them. Then, by request, how many that it begins with were
    completed.
    """
    people = events.simulate(built).people
    ended, outcome = people[:, column.ENDED], people[:, column.OUTCOME]
    inside = (ended >= first * NANO) & (ended < end * NANO)
    waits = inside & ((outcome == ANSWERED) | (outcome == LEFT))
    waited = ended - built.arrivals[:, column.DUE] - people[:, column.THOUGHT]
    begun = built.arrivals[:, column.BEGINS]
    done = np.bincount(begun[inside & (outcome == ANSWERED)], minlength=len(built.requests))
    return waited[waits] / NANO, begun[waits], done
