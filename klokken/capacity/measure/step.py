"""A step, from a storm's record and what the site used: what happened, and whether it counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from klokken import histogram
from klokken.capacity.measure.steps import Step
from klokken.record import ARRIVAL, LATENESS, SPAN_SECONDS
from klokken.storm import outcome

if TYPE_CHECKING:
    from klokken.capacity.measure.schedule import Turn
    from klokken.capacity.measure.steps import Phase, Start, Writing
    from klokken.capacity.measure.usage import Usage
    from klokken.record import Record
    from klokken.results import Latency, MachineFacts, Results, StormPlan

# By how much what is completed may stay behind what is offered: a share, and those who are under
# way at either edge.
SHORT, UNDER_WAY = 0.05, 3
# The share of journeys that may fail: those cost less than a whole one.
FAILED = 0.01
# Seconds by which readings of one start may differ.
SAME_START = 5.0


@dataclass(frozen=True, slots=True)
class Rung:
    """A storm that was rung in a start on a `machine`, and what the hosts wrote meanwhile."""

    machine: MachineFacts
    start: Start
    turn: Turn
    plan: StormPlan
    record: Record
    writing: Writing


def step(rung: Rung, phase: Phase, first: int, end: int, usage: Usage) -> Step:
    """Return the seconds `first` to `end` - 1 of a storm as a step."""
    record, seconds = rung.record, rung.record.seconds
    journey = rung.plan.profile.journey
    offered, completed = sum(seconds.offered[first:end]), sum(seconds.completed[first:end])
    found = Step(
        start=rung.start.number,
        phase=phase,
        profile=rung.turn.profile,
        journey=journey,
        rate=rung.turn.rate,
        repeat=rung.turn.repeat,
        seed=rung.plan.seed,
        began=record.began + first,
        seconds=end - first,
        offered=offered,
        completed=completed,
        failed=sum(sum(by[first:end]) for by in (seconds.failed, seconds.abandoned)),
        lateness_p999=latency(record, ARRIVAL, LATENESS, 0, ceil(len(seconds.offered))).p999,
        whole=latency(record, journey, "intended", first, end),
        service={
            name: latency(record, name, "service", first, end)
            for name in record.classes
            if name != journey
        },
        usage=usage,
        writing=rung.writing,
        excluded=[],
        short=[],
    )
    against, short = _against_any(rung, found), list[str]()
    # A guess is none the worse for what others take: it only says which rates are worth ringing.
    if phase != "guess":
        against += found.usage.others()
    if phase == "warm":
        judged = outcome.results(rung.plan, rung.record, outcome.Surroundings(rung.machine))
        against += [why for why in judged.invalid_because if why != rung.record.cut_short]
        short = _short(judged, found)
    return found.model_copy(update={"excluded": against, "short": short})


def _against_any(rung: Rung, found: Step) -> list[str]:
    """Return why the use of the site cannot be told, or was not that of the storm."""
    reasons = [*found.usage.gaps]
    reasons += [rung.record.cut_short] if rung.record.cut_short else []
    reasons += [
        f"{host}: its service began anew"
        for host, began in rung.start.begun.items()
        if not same(began, found.usage.begun.get(host))
    ]
    return reasons


def _short(judged: Results, found: Step) -> list[str]:
    """Return in what the site fell short of a load that was rung as it should be.

    A cold site may be slower than its load, which is no fault of the figures of a cold phase.
    """
    reasons = []
    if not found.completed:
        reasons.append("no journey was completed")
    lost = judged.failed + judged.abandoned
    if lost > FAILED * judged.offered:
        reasons.append(f"{lost} of {judged.offered} journeys failed or were left")
    if found.completed < (1 - SHORT) * found.offered - UNDER_WAY:
        reasons.append(f"{found.completed} journeys were completed of {found.offered} offered")
    return reasons


def same(began: float, other: float | None) -> bool:
    """Say whether two readings of when a service began, in Unix seconds, are of one start.

    The kernel tells it in whole seconds of a clock that is kept right; no start takes so little.
    """
    return other is not None and abs(began - other) < SAME_START


def reached(record: Record, logins: int) -> int | None:
    """Return the second of a storm by whose end so many journeys were completed, if ever."""
    total = 0
    for second, completed in enumerate(record.seconds.completed):
        total += completed
        if total >= logins:
            return second + 1
    return None


def latency(record: Record, name: str, kind: str, first: int, end: int) -> Latency:
    """Return a distribution over the spans that a stretch touches."""
    begins = range(first - first % SPAN_SECONDS, end)
    return histogram.latency(
        histogram.merged(
            span.hdr
            for span in record.spans
            if (span.request_class, span.kind) == (name, kind) and span.start in begins
        )
    )
