"""The verdict on a storm: pure judgement of counts and limits.

First whether the storm may judge at all: a generator that was late, overloaded or that cannot
account for every pupil makes it INVALID. Only then whether the platform kept its service levels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.record import INTERNAL, WORKER_LOST, WORKER_STOPPED, ClassCounts
from klokken.results import ClassResult, Generator, Judgement, StormPlan, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.record import Record

# The counts of a journey that nobody made.
NOTHING = ClassCounts(requests=0, ok=0, failures={})
# Cores of one worker process above which its own queueing would show in the latencies.
BUSIEST_CORES = 0.8
# Cores that others took in a second from which on it explains a late generator.
WORTH_NAMING = 0.1


def judgements(plan: StormPlan, classes: Mapping[str, ClassResult]) -> list[Judgement]:
    """Return each service level of the plan's profile, kept or not, in the profile's order.

    A request that nobody had to make, while journeys were completed, is left out: who comes for
    the first time opens no document of yesterday.
    """
    whole = classes.get(plan.profile.journey)
    completed = whole is not None and whole.ok > 0
    found = []
    for name, slo in plan.profile.slo.items():
        if completed and name not in classes:
            continue
        if slo.p99_seconds is not None:
            found.append(_p99(plan, name, classes.get(name), slo.p99_seconds.value))
        found.append(_failed_share(name, classes.get(name), slo.failed_share.value))
    return found


def _p99(plan: StormPlan, name: str, found: ClassResult | None, limit: float) -> Judgement:
    # Where nobody was served, everyone waited in vain, and for as long as their patience.
    served = found is not None and found.intended.count > 0
    measured = found.intended.p99 if found and served else plan.longest_patience
    return Judgement(
        request_class=name,
        what="p99_seconds",
        limit=limit,
        measured=measured,
        kept=served and measured <= limit,
    )


# Who gave up was let down as much as whose request failed, so both count here.
def _failed_share(name: str, found: ClassResult | None, limit: float) -> Judgement:
    tried = found is not None and found.requests > 0
    measured = (found.requests - found.ok) / found.requests if found and tried else 1.0
    return Judgement(
        request_class=name,
        what="failed_share",
        limit=limit,
        measured=measured,
        kept=tried and measured <= limit,
    )


def invalid_because(plan: StormPlan, record: Record, generator: Generator) -> list[str]:
    """Return why the storm cannot judge the platform; nothing where it can."""
    reasons = [record.cut_short] if record.cut_short else []
    reasons += _late(plan, generator)
    busy = {"busiest worker": generator.cpu_busiest, "master": generator.cpu_master}
    reasons += [
        f"the {who} used {cores:.2f} cores, limit {BUSIEST_CORES}"
        for who, cores in busy.items()
        if cores > BUSIEST_CORES
    ]
    if generator.lost_workers:
        reasons.append(_lost(record, generator))
    return reasons + _stopped(plan, record) + _short(plan, record) + _odd(plan, record)


def _late(plan: StormPlan, generator: Generator) -> list[str]:
    """Return at what the load generator was late."""
    limit = plan.profile.generator.lateness_p999_seconds.value
    found = {"was late": generator.lateness, "woke pupils late": generator.wakes}
    return [
        f"the load generator {what}: p99.9 {late.p999 * 1000:.0f} ms, limit {limit * 1000:.0f} ms"
        + _stolen(generator)
        for what, late in found.items()
        if late.p999 > limit
    ]


def _stolen(generator: Generator) -> str:
    """Return what a generator can be late for without a fault of its own."""
    if generator.stolen_worst < WORTH_NAMING:
        return ""
    return (
        f"; others took {generator.stolen_worst:.2f} cores of its machine in the worst second:"
        " storm again when they are quiet, or on a machine of its own"
    )


def _lost(record: Record, generator: Generator) -> str:
    """Return which workers are gone, and what became of their pupils."""
    whole = sum(counts.failures.get(WORKER_LOST, 0) for counts in record.classes.values())
    return (
        f"{generator.lost_workers} of {generator.workers} workers were lost, and with them "
        f"{record.dropped.get(WORKER_LOST, 0)} pupils before and {whole} in their journeys"
    )


def _stopped(plan: StormPlan, record: Record) -> list[str]:
    """Return what became of the pupils of workers that were stopped."""
    whole = record.classes.get(plan.profile.journey, NOTHING)
    within = sum(n for cause, n in whole.failures.items() if cause.endswith(WORKER_STOPPED))
    before = record.dropped.get(WORKER_STOPPED, 0)
    missed = f"{before} pupils before and {within} in their journeys"
    gone = f"workers were stopped before the storm was over, and with them {missed}"
    return [gone] if before + within else []


def _short(plan: StormPlan, record: Record) -> list[str]:
    """Return what was offered and not started, beside what workers took with them."""
    gone = {WORKER_LOST, WORKER_STOPPED}
    causes = {cause: n for cause, n in sorted(record.dropped.items()) if cause not in gone}
    if not causes:
        return []
    why = ", ".join(f"{n} {cause}" for cause, n in causes.items())
    started = sum(record.seconds.started)
    return [f"only {started} of {plan.offered} offered journeys were started ({why})"]


def _odd(plan: StormPlan, record: Record) -> list[str]:
    """Return where the counts do not add up."""
    counts = {name: sum(by) for name, by in record.seconds}
    offered, started, dropped = counts["offered"], counts["started"], counts["dropped"]
    completed, failed, abandoned = counts["completed"], counts["failed"], counts["abandoned"]
    whole = record.classes.get(plan.profile.journey, NOTHING)
    sums = {
        "planned and offered": (plan.offered, offered),
        "planned and shared out": (plan.offered, sum(w.offered for w in record.workers)),
        "offered, and started or dropped": (offered, started + dropped),
        "started, and completed, failed or abandoned": (started, completed + failed + abandoned),
        "journeys started and recorded": (started, whole.requests),
        "completed, by second and by class": (completed, whole.ok),
        "failed, by second and by cause": (failed, sum(whole.failures.values())),
        "abandoned, by second and by class": (abandoned, whole.abandoned),
        "dropped, by second and by cause": (dropped, sum(record.dropped.values())),
    }
    reasons = [
        f"the counts do not add up: {what} are {one} and {other}"
        for what, (one, other) in sums.items()
        if one != other
    ]
    reasons += _own_errors(record) + _shared_out(plan, record)
    if record.run != plan.run:
        reasons.append(f"the record is of another storm, {record.run!r}")
    return reasons


def _shared_out(plan: StormPlan, record: Record) -> list[str]:
    """Return where the workers or their pupils are not those of the plan."""
    reasons, workers = [], record.workers
    if len(workers) != plan.workers:
        reasons.append(f"{plan.workers} workers were planned, and {len(workers)} took part")
    parts = sorted((worker.first, worker.end) for worker in workers)
    # Each range must begin where the one before ends, the first at 0, and the last end with all.
    edges = [0, *(edge for part in parts for edge in part), plan.people]
    if edges[::2] != edges[1::2]:
        reasons.append(f"the workers' shares are not the {plan.people} pupils, each of them once")
    return reasons


def _own_errors(record: Record) -> list[str]:
    """Return what the load generator itself failed by."""
    causes = {cause for c in record.classes.values() for cause in c.failures if INTERNAL in cause}
    found = {cause.partition(INTERNAL)[2].removeprefix(": ") for cause in causes}
    told = ", ".join(sorted(cause or "see its journal" for cause in found))
    return [f"the load generator itself had errors ({told})"] if told else []


def verdict(plan: StormPlan, reasons: list[str], judged: list[Judgement]) -> Verdict:
    """Return the verdict that follows. A dry run judges no platform, whatever came of it."""
    if reasons:
        return Verdict.INVALID
    if plan.dry:
        return Verdict.DRY
    return Verdict.PASS if all(j.kept for j in judged) else Verdict.FAIL
