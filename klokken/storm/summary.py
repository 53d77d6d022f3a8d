"""What a person sees when a storm is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    lines.append(
        f"  generator: lateness p99.9 {generator.lateness.p999 * 1000:.1f} ms, "
        f"busiest worker {generator.cpu_busiest:.2f} cores"
    )
    lines += [f"  invalid: {reason}" for reason in results.invalid_because]
    missed = [judged for judged in results.judgements if not judged.kept]
    lines += [
        f"  missed: {m.request_class} {m.what} {m.measured:.3g}, limit {m.limit:.3g}"
        for m in missed
    ]
    return "\n".join([*lines, f"  report: {folder / 'report.html'}"])
