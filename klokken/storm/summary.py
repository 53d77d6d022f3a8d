"""What a person sees when a storm is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.results import Results


def summary(results: Results, folder: Path) -> str:
    """Return the verdict, its reasons and the figures behind it, in a few lines."""
    login = results.classes.get("login")
    plan = results.plan
    due = f"{results.offered} pupils due between {plan.opens} and {plan.closes}"
    began = f"started {results.started_journeys}, logged in {results.completed}"
    lines = [
        f"{results.verdict}: {plan.profile.name}, {due}",
        f"  {began}, failed {results.failed}, dropped {results.dropped}",
    ]
    if login and login.intended.count:
        seen = login.intended
        lines.append(
            f"  login, from when a pupil was due: half within {seen.p50:.2f} s, "
            f"99 % within {seen.p99:.2f} s, the slowest {seen.max:.2f} s"
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
