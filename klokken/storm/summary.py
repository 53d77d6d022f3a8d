"""What a person sees when a storm is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken import report
from klokken.storm import fleet

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.results import Results


def summary(results: Results, folder: Path) -> str:
    """Return the verdict, its reasons and the figures behind it, in a few lines."""
    plan = results.plan
    whole = results.classes.get(plan.profile.journey)
    due = (
        f"{results.offered} pupils due between {plan.opens} and {plan.closes}, {results.rate:.2f}/s"
    )
    began = f"started {results.started_journeys}, completed {results.completed}"
    ended = f"failed {results.failed}, abandoned {results.abandoned}, dropped {results.dropped}"
    lines = [f"{results.verdict}: {plan.profile.name}, {due}", f"  {began}, {ended}"]
    if whole and whole.intended.count:
        seen = whole.intended
        lines.append(
            f"  {plan.profile.journey}, from when a pupil was due: half within {seen.p50:.2f} s, "
            f"99 % within {seen.p99:.2f} s, the slowest {seen.max:.2f} s"
        )
    if results.think:
        thought = results.think
        lines.append(
            f"  thinking, which is no waiting: half {thought.p50:.1f} s at most, "
            f"the longest {thought.max:.1f} s"
        )
    if results.writes.attempted:
        by = results.writes
        lines.append(
            f"  writes: {by.attempted}, acknowledged {by.acknowledged}, refused {by.refused}, "
            f"unknown {by.unknown}; hand-ins {by.handins}, late {by.late}"
        )
    generator = results.generator
    late = max(generator.lateness.p999, generator.wakes.p999)
    lines.append(
        f"  generator: lateness p99.9 {late * 1000:.1f} ms, "
        f"busiest worker {generator.cpu_busiest:.2f} cores, master {generator.cpu_master:.2f}"
    )
    if plan.dry:
        lines += _dry(results)
    lines += [f"  invalid: {reason}" for reason in results.invalid_because]
    missed = [judged for judged in results.judgements if not judged.kept]
    lines += [
        f"  missed: {m.request_class} {m.what} {m.measured:.3g}, limit {m.limit:.3g}"
        for m in missed
    ]
    path = folder / report.NAME
    return "\n".join([*lines, f"  report: {path}"] if path.exists() else lines)


def _dry(results: Results) -> list[str]:
    """Return what a dry run is for: the figures of the generator, and the fleet that follows."""
    generator, plan = results.generator, results.plan
    took, late = generator.footprint, generator.lateness
    worker = [generator.memory_bytes, took.resident_bytes, took.proportional_bytes]
    most, resident, proportional = (count / 2**20 for count in worker)
    each = took.schedule_bytes / max(1, plan.offered)
    need = fleet.of(plan)
    # A worker's own, without the pupils.
    own = (took.resident_bytes - took.schedule_bytes) / max(1, generator.workers)
    waiting = (need.workers * own + took.schedule_bytes) / 2**20
    offered = max((i.offered / i.seconds for i in results.intervals), default=0.0)
    started = max((i.started / i.seconds for i in results.intervals), default=0.0)
    return [
        "  dry run: nothing was sent, and this says nothing of any platform",
        f"  rate at the peak: offered {offered:.1f}/s, started {started:.1f}/s",
        (
            f"  lateness: p50 {late.p50 * 1000:.2f}, p99 {late.p99 * 1000:.2f}, "
            f"p99.9 {late.p999 * 1000:.2f}, most {late.max * 1000:.2f} ms"
        ),
        (
            f"  CPU a journey: {took.cpu_seconds * 1000 / max(1, results.started_journeys):.3f} ms"
            f" over {generator.workers} workers"
        ),
        (
            f"  schedule: ready in {took.schedule_seconds:.2f} s, {each:.1f} bytes a pupil; then "
            f"{resident:.0f} MiB resident ({proportional:.0f} proportional), at most {most:.0f} MiB"
        ),
        "  at a site, this storm needs (peak of 5 s; see docs/benchmarks/country.md):",
        *(f"    {line}" for line in need.lines()),
        (
            f"    memory while all wait: {waiting:,.0f} MiB = {need.workers} workers x"
            f" {own / 2**20:.0f} MiB + {plan.offered:,} pupils x {each:.0f} bytes"
        ),
    ]
