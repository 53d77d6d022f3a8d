"""What became of each rate, and the page that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.facts import Measured
from benchmarks.morning.plans import LIMIT
from klokken.document import Document
from klokken.errors import InputError
from klokken.results import Seconds, Verdict, Whole

if TYPE_CHECKING:
    from klokken.results import Results

WHOLE = "morning"


class Step(Document):
    """One storm: journeys a second, p50 and p99 by class in seconds, and why it missed, if so."""

    rate: Seconds
    run: str
    offered: Whole
    completed: Whole
    failed: Whole
    p50: dict[str, Seconds]
    p99: dict[str, Seconds]
    verdict: Verdict
    missed: list[str]


class Ascent(Measured):
    """A whole run of the benchmark. Figures of seeding are null where nothing was seeded.

    `seeding_empty` is how many drives were empty before, those of teachers too.
    """

    stack: str
    pupils: Whole
    seeding_seconds: float | None
    seeding_empty: Whole | None = None
    rate: Seconds
    steps: list[Step]


def step(results: Results) -> Step:
    """Return what `results` say of one rate; raise InputError where pupils had no documents."""
    classes = results.classes
    opened = classes.get("open")
    new = classes["first_drives"].requests if "first_drives" in classes else 0
    without = new + (opened.failures.get("404", 0) if opened else 0)
    if without:
        raise InputError(
            "benchmark", "pupils", f"{without} came without documents", "run it with --seed"
        )
    served = {name: found.intended for name, found in classes.items() if found.intended.count}
    return Step(
        rate=results.rate,
        run=results.plan.run,
        offered=results.offered,
        completed=results.completed,
        failed=results.failed + results.abandoned,
        p50={name: latency.p50 for name, latency in served.items()},
        p99={name: latency.p99 for name, latency in served.items()},
        verdict=results.verdict,
        missed=missed(results),
    )


def missed(results: Results) -> list[str]:
    """Return why the storm did not carry its rate: nothing where it did."""
    if results.verdict is Verdict.INVALID:
        return [f"invalid: {reason}" for reason in results.invalid_because]
    judged = {j.request_class for j in results.judgements if j.what == "p99_seconds"}
    found = [
        f"{j.request_class} {j.what} {j.measured:.3g}" for j in results.judgements if not j.kept
    ]
    # Too few people may come to some requests for the profile to set a level for them.
    for name, seen in results.classes.items():
        if name not in judged and seen.intended.count and seen.intended.p99 > LIMIT:
            found.append(f"{name} p99_seconds {seen.intended.p99:.3g}")
    return found
