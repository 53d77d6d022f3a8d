"""The result as people read it: a table, and the page docs/benchmarks/morning-rate.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.facts import facts
from benchmarks.morning.outcome import WHOLE
from benchmarks.morning.plans import LENGTH, LIMIT
from klokken.population import teachers
from klokken.results import Verdict

if TYPE_CHECKING:
    from benchmarks.morning.outcome import Ascent, Step

_HEAD = """\
| journeys a second | offered | completed | failed | morning p50 s | p99 s | slowest request, p99 s | held? |
|---|---|---|---|---|---|---|---|"""


def table(ascent: Ascent) -> str:
    """Return a row for each storm in the order of the rates, as Markdown."""
    return "\n".join([_HEAD, *map(_row, sorted(ascent.steps, key=lambda step: step.rate))])


def _row(step: Step) -> str:
    requests = {name: p99 for name, p99 in step.p99.items() if name != WHOLE}
    slowest = max(requests, key=lambda name: requests[name], default="")
    cells = [
        f"{step.rate:g}",
        f"{step.offered}",
        f"{step.completed}",
        f"{step.failed}",
        f"{step.p50[WHOLE]:.2f}" if WHOLE in step.p50 else "-",
        f"{step.p99[WHOLE]:.2f}" if WHOLE in step.p99 else "-",
        f"`{slowest}` {requests[slowest]:.2f}" if slowest else "-",
        f"no: {'; '.join(step.missed)}" if step.missed else "yes",
    ]
    return f"| {' | '.join(cells)} |"


def sentence(ascent: Ascent) -> str:
    """Say what the benchmark found."""
    if not ascent.rate:
        return "No rate that was tried held."
    highest = max(ascent.steps, key=lambda step: step.rate)
    said = f"{ascent.rate:g} school mornings a second held: p99 of the whole morning and of every request stayed under {LIMIT:g} s."
    if not highest.missed:
        return f"{said} No higher rate was tried."
    limits = [step for step in ascent.steps if step.missed]
    if all(step.verdict is Verdict.INVALID for step in limits):
        return f"{said} Above it the load generator was the limit, not the platform."
    return f"{said} The lowest rate that missed was {min(step.rate for step in limits):g}."


def _seeded(ascent: Ascent) -> str:
    """Say what was seeded before, and how much of it was new; nothing where nothing was."""
    if ascent.seeding_seconds is None:
        return ""
    people = ascent.pupils + teachers(ascent.pupils)
    empty = (
        f"{ascent.seeding_empty:,} of these {people:,} drives were empty before"
        if ascent.seeding_empty is not None
        else "how many of them were empty before was not recorded"
    )
    return (
        f"- Before it, the drives of {ascent.pupils:,} pupils and their teachers were seeded in"
        f" {ascent.seeding_seconds:.0f} s; {empty}.\n"
    )


def document(ascent: Ascent) -> str:
    """Return the page."""
    best = [step.run for step in ascent.steps if step.rate == ascent.rate]
    run = (
        f"\n\nIts report is `results/{best[0]}/report.html` of the machine that measured."
        if best
        else ""
    )
    return f"""\
# The rate of school mornings

The highest steady rate of the journey [morning](../journeys/morning.md) that one stack carries: portal, login, home folder, yesterday's document opened and saved. Written by `python -m benchmarks.morning`.

**{sentence(ascent)}**{run}

{table(ascent)}

## How it was measured
- Each row is a storm of {LENGTH} s, its people due at moments drawn evenly over it, whether or not the platform is ready. A whole morning counts from when its pupil was due.
- A rate holds where 99 % of whole mornings, and of the requests of every class, took at most {LIMIT:g} s, at most 1 % failed, and the load generator was exact.
- The site was warmed by a storm that is not in the table. Each storm draws its people anew from {ascent.pupils:,} pupils and their teachers.
- After the first rate that missed, the one half-way down to the last that held was tried. Each rate was tried once, or twice where the load generator was late the first time: the true limit may lie a little to either side.
{_seeded(ascent)}
{facts(ascent)}

## To repeat

```sh
klokken up {ascent.stack}
python -m benchmarks.morning --stack {ascent.stack} --pupils {ascent.pupils} --seed
```

Everything measured is in [morning-rate.json](morning-rate.json); each storm has its folder in `results/`.
"""
