"""A lab that is nowhere: it knows what a login costs it, and is simulated instead of stormed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from klokken import histogram
from klokken.capacity.demands import Demands
from klokken.capacity.engine import events
from klokken.capacity.engine.tally import highest
from klokken.capacity.measure import storms
from klokken.capacity.measure.schedule import COLD, MEASURED, WARM, WARM_UP, Plan
from klokken.capacity.measure.steps import Start, Step
from klokken.capacity.measure.usage import MachineUse, TierUse, Usage
from klokken.capacity.model import model
from klokken.capacity.morning import MINUTE_SECONDS, NANO, Morning
from klokken.capacity.platform import Platform
from klokken.capacity.run import DEMANDS_FILE, PLATFORM_FILE
from klokken.profile import Profile
from klokken.record import ClassCounts, Record, SecondCounts, Span, WorkerRecord
from klokken.results import Latency, MachineFacts
from klokken.storm.attendance import attendance
from klokken.topology import Tier
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from klokken.record import Kind
    from klokken.results import StormPlan

ACCOUNTS = 6500
MACHINE = MachineFacts(cpu_model="none", cores=2, memory_bytes=2**34, kernel="none")
# Seconds of CPU that a warm login costs, and cores in use with nobody there.
TRUTH = {
    Tier.EDGE: 0.004,
    Tier.IDENTITY: 0.080,
    Tier.DATABASE: 0.006,
    Tier.LOADGEN: 0.005,
    Tier.METRICS: 0.0,
}
IDLE = {
    Tier.EDGE: 0.02,
    Tier.IDENTITY: 0.06,
    Tier.DATABASE: 0.02,
    Tier.LOADGEN: 0.03,
    Tier.METRICS: 0.04,
}
FACTOR = {"cold": 2.6, "warming": 1.6}
BASE = Demands.read(DEMANDS_FILE)
PLATFORM = Platform.read(PLATFORM_FILE)


def plan(**changes: Any) -> Plan:
    """Return the plan of a measurement of it."""
    body = {
        "run": "run",
        "stack": "lab",
        "began": datetime(2026, 11, 22, tzinfo=UTC),
        "seed": 1,
        "steps": 8,
        "repeats": 1,
        "starts": 3,
        "most": {},
        "profiles": [Profile.named("minute")],
        "shared": True,
        # Two hosts see the machine's two cores each; that makes no four.
        "cores": {**dict.fromkeys(TRUTH, 2), Tier.EDGE: 4},
        "nodes": {**dict.fromkeys(TRUTH, 1), Tier.EDGE: 2},
        "machine": MACHINE,
        "versions": {},
        "demands": BASE,
        "platform": PLATFORM,
    }
    return Plan.model_validate({**body, **changes})


def span(start: int, name: str, kind: Kind, values: list[float]) -> Span:
    """Return a histogram of a request class as a load generator records it."""
    found = histogram.empty()
    histogram.add_all(found, values)
    return Span(start=start, request_class=name, kind=kind, hdr=histogram.encoded(found))


@dataclass
class Lab:
    """Stands in for a site: its clock is its own, and its CPU is `noise` off at random."""

    truth: dict[Tier, float] = field(default_factory=lambda: dict(TRUTH))
    # Cores in use with nobody there.
    at_rest: dict[Tier, float] = field(default_factory=lambda: dict(IDLE))
    noise: float = 0.0
    seed: int = 1
    # By how much each start is dearer for the identity tier than a lucky one.
    luck: tuple[float, ...] = (1.0, 1.0, 1.0)
    foreign: float = 0.02
    lateness: float = 0.001
    accounts: int = ACCOUNTS
    # The journeys that it completes a second at most, whatever cores are left.
    most: float = inf
    starts: int = 0
    clock: float = 1_790_000_000.0
    # Seconds at which logins ended since the start, by their order.
    ended: list[float] = field(default_factory=list)
    rung: list[StormPlan] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = np.random.Generator(np.random.Philox(self.seed))

    def restart(self) -> None:
        self.starts += 1
        self.ended = []
        self.clock += 60

    def idle(self) -> Usage:
        self.clock += 15
        return self.usage(self.clock - 15, self.clock)

    def now(self) -> Usage:
        return self.usage(self.clock - 10, self.clock)

    def costs(self, number: int) -> dict[Tier, float]:
        """Return what the login of this number after a start costs."""
        phase = "cold" if number < COLD else "warming" if number < WARM else "warm"
        factor = FACTOR.get(phase, 1.0) * self.luck[max(0, self.starts - 1) % len(self.luck)]
        return {
            tier: cost * (factor if tier is Tier.IDENTITY else 1.0)
            for tier, cost in self.truth.items()
        }

    def usage(self, begin: float, end: float) -> Usage:
        used = self.spent(begin, end)
        wrong = self.random.normal(1.0, self.noise, len(used)) if self.noise else np.ones(len(used))
        return self.used(
            {t: max(0.0, u * w) for (t, u), w in zip(used.items(), wrong, strict=True)}
        )

    def spent(self, begin: float, end: float) -> dict[Tier, float]:
        """Return the cores of each tier that were used between two moments."""
        used = dict(self.at_rest)
        for number, moment in enumerate(self.ended):
            if begin <= moment < end:
                for tier, cost in self.costs(number).items():
                    used[tier] += cost / (end - begin)
        return used

    def used(self, cores: dict[Tier, float]) -> Usage:
        """Return what the site's Prometheus would say of so many cores."""
        machine = MachineUse(
            cores=2,
            busy=sum(cores.values()) + self.foreign,
            steal=0.0,
            foreign=self.foreign,
            disk_reads=0.0,
            disk_writes=3.0 + 100 * cores[Tier.DATABASE],
            disk_read_bytes=0.0,
            disk_written_bytes=1e4,
        )
        return Usage(
            tiers={
                tier: TierUse(
                    cpu={"main": 0.9 * u, "other": 0.1 * u},
                    memory_bytes={"main": 1e9},
                    connections=20.0,
                    received_bytes=1e5 * u,
                    sent_bytes=1e5 * u,
                )
                for tier, u in cores.items()
            },
            machines={"the machine": machine},
            begun={"identity1": 1000.0 * self.starts},
            gaps=[],
        )

    def written(self) -> tuple[float, dict[Tier, float]]:
        self.clock += 5
        return self.clock, {Tier.DATABASE: 1e6 + 8192.0 * len(self.ended)}

    def plan(self, profile: Profile, run: str, seed: int, length: int) -> StormPlan:
        where = inventory(accounts=self.accounts)
        return storms.planned(profile, where, run=run, seed=seed, length=length)

    def ring(self, plan: StormPlan, folder: Path) -> Record:
        assert plan.run.endswith(folder.name)
        self.rung.append(plan)
        due = attendance(plan, 0, plan.people).due
        ends = self.ends(due)
        began, length = self.clock, int(ends[-1]) + 1
        cost = sum(self.costs(len(self.ended)).values())
        short = due[-1] < storms.LENGTH and self.most == inf
        times = self.simulated(due, cost) if short else ends - due + 0.3
        self.ended += [began + moment for moment in ends]
        self.clock += length + 5
        by_second, completed = (
            np.bincount(moments.astype(np.int64), minlength=length).tolist()
            for moments in (due, ends)
        )
        requests = ("login_page", "password", "token")
        spans = [span(WARM_UP, "login", "intended", times.tolist())]
        spans += [span(WARM_UP, name, "service", times.tolist()) for name in requests]
        spans.append(span(WARM_UP, "arrival", "lateness", [self.lateness] * len(due)))
        return self.recorded(plan, began, (by_second, completed), ("login", *requests), spans)

    def recorded(
        self,
        plan: StormPlan,
        began: float,
        counts: tuple[list[int], list[int]],
        names: Sequence[str],
        spans: list[Span],
    ) -> Record:
        """Return the record of a storm that ends now, in which nobody failed.

        `counts` are those offered and completed by second; each of `names` was asked for by all.
        """
        offered, completed = counts
        all_of = sum(offered)
        none = [0] * len(offered)
        return Record(
            run=plan.run,
            began=began,
            finished=self.clock,
            seconds=SecondCounts(
                offered=offered,
                started=offered,
                completed=completed,
                failed=none,
                abandoned=none,
                dropped=none,
            ),
            classes=dict.fromkeys(names, ClassCounts(requests=all_of, ok=all_of, failures={})),
            spans=spans,
            dropped={},
            workers=[
                WorkerRecord(
                    name="w",
                    first=0,
                    end=plan.people,
                    offered=all_of,
                    cpu=[0.1],
                    memory_bytes=1,
                    lost=False,
                )
            ],
            versions={},
        )

    def ends(self, due: Any) -> Any:
        """Return when those end who are due, one after the other where they are too many."""
        behind = np.arange(len(due)) / self.most
        return np.maximum.accumulate(due - behind) + behind

    def simulated(self, due: Any, cost: float) -> Any:
        """Return how long those took who were due in the measured part, by the simulator."""
        idle = sum(IDLE.values())
        requests = BASE.journeys["login"].requests
        share = {"login_page": 0.15, "password": 0.7, "token": 0.15}
        ground = {"source": "the truth", "variation": 0.3}
        work = {
            name: {
                "edge": {"value": 0.0, "low": 0.0, "high": 0.0, **ground},
                "identity": dict.fromkeys(("value", "low", "high"), part * cost * 2 / (2 - idle))
                | ground,
            }
            for name, part in share.items()
        }
        known = Demands.model_validate(
            {
                "name": "truth",
                "journeys": {
                    "login": {
                        "requests": [
                            r.model_dump() | {"path": ["edge", "identity"]} for r in requests
                        ]
                    }
                },
                "work": work,
                "connection": {"value": 0.0, "low": 0.0, "high": 0.0, **ground},
            }
        )
        body = PLATFORM.model_dump(mode="json")
        body["tiers"]["edge"]["round_trip_seconds"] = 0.004
        body["tiers"]["identity"]["round_trip_seconds"] = 0.0
        moments = ((due + MINUTE_SECONDS - WARM_UP) * NANO).astype(np.int64)
        number = np.arange(len(moments))
        morning = Morning(number, moments, number, MINUTE_SECONDS + MEASURED)
        site = model(
            known,
            known.journeys["login"],
            Platform.model_validate(body),
            morning,
            seed=777,
            accounts=0,
        )
        counted = events.simulate(site).latency[-1, 1]
        return np.repeat(highest() / 1e6, counted)


def start(number: int) -> Start:
    """Return a start as it is put down."""
    lab = Lab(starts=number)
    return Start(number=number, begun={"identity1": 1000.0 * number}, idle=lab.now())


def step(rate: float = 5.0, **changes: Any) -> Step:
    """Return a step of exactly what the lab costs; `changes` replace fields of it."""
    lab = Lab(starts=1)
    cores = {tier: IDLE[tier] + cost * rate for tier, cost in TRUTH.items()}
    usage = lab.used(cores)
    times = Latency(count=100, p50=0.1, p95=0.2, p99=0.3, p999=0.4, max=0.5)
    body = {
        "start": 1,
        "phase": "warm",
        "profile": "minute",
        "journey": "login",
        "rate": rate,
        "repeat": 0,
        "seed": 1,
        "began": 1_790_000_000.0,
        "seconds": float(MEASURED),
        "offered": round(rate * MEASURED),
        "completed": round(rate * MEASURED),
        "failed": 0,
        "lateness_p999": 0.001,
        "whole": times,
        "service": {"login_page": times, "password": times, "token": times},
        "usage": usage,
        "writing": {"seconds": 50.0, "journeys": round(rate * 40), "written": {}},
        "excluded": [],
        "short": [],
    }
    return Step.model_validate({**body, **changes})
