"""A lab that is nowhere, at which exams are sat: it knows what each part of one costs it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from klokken.capacity.demands import Demands
from klokken.capacity.engine import column, events
from klokken.capacity.measure.errands import errands
from klokken.capacity.measure.schedule import EXAM_LENGTH, WINDOWS
from klokken.capacity.measure.steps import Step, Window
from klokken.capacity.model import model
from klokken.capacity.morning import NANO, Morning
from klokken.capacity.platform import Platform
from klokken.profile import Profile
from klokken.record import SPAN_SECONDS
from klokken.results import Latency
from klokken.storm.attendance import attendance
from klokken.storm.sitting import Sitting
from klokken.topology import Tier
from tests.unit.synthetic_lab import BASE, PLATFORM, Lab, plan, span, step
from tests.unit.synthetic_lab import IDLE as OTHERS_IDLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from klokken.capacity.measure.schedule import Plan
    from klokken.record import Record, Span
    from klokken.results import StormPlan

EXAM = Profile.named("exam")
IDLE = {**OTHERS_IDLE, Tier.DRIVE: 0.03}
_NOTHING = dict.fromkeys(IDLE, 0.0)
# Seconds of CPU that each errand costs.
TRUTH = {
    "paper": {**_NOTHING, Tier.EDGE: 0.004, Tier.DRIVE: 0.090, Tier.LOADGEN: 0.006},
    "refresh": {
        **_NOTHING,
        Tier.EDGE: 0.0005,
        Tier.IDENTITY: 0.006,
        Tier.DATABASE: 0.001,
        Tier.LOADGEN: 0.0005,
    },
    "autosave": {**_NOTHING, Tier.EDGE: 0.0007, Tier.DRIVE: 0.013, Tier.LOADGEN: 0.001},
    "handin": {**_NOTHING, Tier.EDGE: 0.0015, Tier.DRIVE: 0.025, Tier.LOADGEN: 0.002},
}
# How the work of an errand is shared by its requests.
SHARES = {"paper_list": 0.1, "paper": 0.9, "refresh": 1, "autosave": 1, "handin": 0.55,
          "receipt": 0.45}  # fmt: skip
FILES = 3


def exam_plan(**changes: Any) -> Plan:
    """Return the plan of a measurement of exams of up to 56 pupils."""
    nodes = dict.fromkeys(IDLE, 1)
    return plan(
        **{
            "profiles": [EXAM],
            "most": {"exam": 56.0},
            "nodes": nodes,
            "cores": dict.fromkeys(nodes, 2),
            "in_cell": {"exam": 300.0},
            **changes,
        }
    )


@dataclass
class ExamLab(Lab):
    """Its exams are sat by the load generator's own clock, and simulated on one machine."""

    at_rest: dict[Tier, float] = field(default_factory=lambda: dict(IDLE))
    exam: dict[str, dict[Tier, float]] = field(default_factory=lambda: TRUTH)
    # Errands that were done, and when.
    done: list[tuple[str, float]] = field(default_factory=list)

    def restart(self) -> None:
        super().restart()
        self.done = []

    def spent(self, begin: float, end: float) -> dict[Tier, float]:
        used = super().spent(begin, end)
        for name, moment in self.done:
            if begin <= moment < end:
                for tier, cost in self.exam[name].items():
                    used[tier] += cost / (end - begin)
        return used

    def ring(self, plan: StormPlan, folder: Path) -> Record:
        return self.sit(plan) if plan.profile.exam else super().ring(plan, folder)

    def sit(self, plan: StormPlan) -> Record:
        """Return the record of an exam."""
        self.rung.append(plan)
        due = attendance(plan, 0, plan.people)
        errand = self.simulated_errands(plan, dict(zip(due.pupils.tolist(), due.due, strict=True)))
        began = self.clock
        self.clock += EXAM_LENGTH + 10
        self.ended += [began + moment for moment in due.due]
        self.done += [(name, began + end) for name, _, end in errand]
        ends = [end for name, _, end in errand if name == "handin"]
        offered = np.bincount(due.due.astype(int), minlength=EXAM_LENGTH + 5).tolist()
        completed = np.bincount(np.array(ends, int), minlength=EXAM_LENGTH + 5).tolist()
        spans = self.spans(errand)
        spans.append(span(0, "arrival", "lateness", [self.lateness] * plan.offered))
        return self.recorded(plan, began, (offered, completed), ("exam", *SHARES), spans)

    def spans(self, done: list[tuple[str, float, float]]) -> list[Span]:
        """Return the histograms of every request of the errands that were done."""
        times: dict[tuple[str, int], list[float]] = {}
        for name, due, end in done:
            for request in errands(BASE)[name].requests:
                place = (request.name, int(end) // SPAN_SECONDS * SPAN_SECONDS)
                each = [(end - due) * SHARES[request.name]]
                times.setdefault(place, []).extend(each * (FILES if request.name == "paper" else 1))
        return [span(start, name, "service", values) for (name, start), values in times.items()]

    def simulated_errands(
        self, plan: StormPlan, due: dict[int, float]
    ) -> list[tuple[str, float, float]]:
        """Return each errand of an exam, when it was due and when it was done."""
        begun = [part for pupil, at in due.items() for part in asked(plan, pupil, at)]
        begins = {name: BASE.journeys["exam"].requests.index(one.requests[0])
                  for name, one in errands(BASE).items() if name in TRUTH}  # fmt: skip
        number = np.arange(len(begun))
        moments = (np.array([at for _, at in begun]) * NANO).astype(np.int64)
        first = np.array([begins[name] for name, _ in begun])
        morning = Morning(number, moments, number, EXAM_LENGTH, first)
        site = one_machine(self.exam, self.foreign)
        body = PLATFORM.model_dump(mode="json")
        body["tiers"]["edge"] |= {"round_trip_seconds": 0.004, "nodes": 1, "cores": 2}
        built = model(site, site.journeys["exam"], Platform.model_validate(body), morning,
                      seed=777, accounts=0)  # fmt: skip
        ended = events.simulate(built).people[:, column.ENDED] / NANO
        order = built.arrivals[:, column.PERSON]
        return [(*begun[who], end) for who, end in zip(order, ended, strict=True)]


def asked(plan: StormPlan, pupil: int, due: float) -> Iterator[tuple[str, float]]:
    """Yield what a pupil who signs in when `due` begins, and when."""
    sitting = Sitting.of(plan, pupil)
    renewal = sitting.exam.renewal_seconds
    every = renewal.value / plan.compression if renewal else np.inf
    token = due + 0.2
    moments = [("paper", sitting.paper)]
    moments += [("autosave", at) for _, at in sitting.autosaves(sitting.paper + 0.2)]
    for name, at in [*moments, ("handin", sitting.handin)]:
        if at >= token + every:
            token = at
            yield "refresh", at
        yield name, at


def one_machine(truth: dict[str, dict[Tier, float]], foreign: float) -> Demands:
    """Return demands in which one host does all the work, slowed down by what else it does."""
    slower = 2 / (2 - sum(IDLE.values()) - foreign)
    ground = {"source": "the truth", "variation": 1.0}
    body = BASE.journeys["exam"].model_dump(mode="json")
    body["requests"] = [r | {"path": ["edge"], "connects": False} for r in body["requests"]]
    costs = dict.fromkeys((r["name"] for r in body["requests"]), 0.0)
    for name, by_tier in truth.items():
        for request in errands(BASE)[name].requests:
            costs[request.name] = sum(by_tier.values()) * SHARES[request.name] * slower
    none = dict.fromkeys(("value", "low", "high"), 0.0)
    work = {
        name: {"edge": dict.fromkeys(("value", "low", "high"), cost) | ground}
        for name, cost in costs.items()
    }
    return Demands.model_validate(
        {
            "name": "truth",
            "journeys": {"exam": body},
            "work": work,
            "connection": none | ground,
        }
    )


def exam_step(
    size: float,
    number: int,
    *,
    renews: bool,
    truth: dict[str, dict[Tier, float]] | None = None,
    **changes: Any,
) -> Step:
    """Return an exam of exactly what the lab costs; `changes` replace fields of it."""
    often = {"paper": (1.0, 0.0, 0.0), "autosave": (5.4, 6.7, 4.6), "handin": (0.0, 0.0, 1.0),
             "refresh": (2.0 * renews, 3.3 * renews, 2.1 * renews)}  # fmt: skip
    windows, whole = [], dict.fromkeys(IDLE, 0.0)
    for n, (first, end) in enumerate(WINDOWS):
        done = {name: size * counts[n] for name, counts in often.items()}
        cores = {
            tier: idle
            + sum(count * (truth or TRUTH)[name][tier] for name, count in done.items())
            / (end - first)
            for tier, idle in IDLE.items()
        }
        cpu = {tier: {"main": 0.9 * used, "other": 0.1 * used} for tier, used in cores.items()}
        windows.append(Window(seconds=end - first, errands=done, cpu=cpu))
        whole = {tier: used + cores[tier] / len(WINDOWS) for tier, used in whole.items()}
    times = Latency(count=100, p50=0.02, p95=0.06, p99=0.1, p999=0.2, max=0.3)
    body = {"journey": "exam", "profile": "exam", "offered": round(size), "completed": round(size),
            "service": {"autosave": times}, "whole": times, "windows": windows, "renews": renews,
            "usage": ExamLab().used(whole), "start": number}  # fmt: skip
    return step(size, **(body | changes))
