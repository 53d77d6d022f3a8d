"""The result as people read it: the page in docs/benchmarks/."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.facts import facts, spread

if TYPE_CHECKING:
    from benchmarks.simulator.outcome import Benchmark, Contest

RATIO, MORNING_SECONDS, FLUID_SECONDS = 200, 20.0, 1.0


def _reached(yes: bool) -> str:  # noqa: FBT001 - the goal was reached or not
    return "yes" if yes else "**no**"


def table(found: Benchmark) -> str:
    """Return a row for each implementation, as Markdown."""
    rows = [_row(found, contest) for contest in found.contests]
    head = "| implementation | visits | million visits/s | times SimPy | events a visit | mean time / work |"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows])


def _row(found: Benchmark, contest: Contest) -> str:
    rates = spread(rate / 1e6 for rate in contest.rates)
    times = "1" if contest is found.contests[0] else spread(found.ratios(contest), ".0f")
    events = "-" if contest.events is None else f"{contest.events:.1f}"
    name = contest.name
    return f"| {name} | {contest.visits:,} | {rates} | {times} | {events} | {contest.mean:.4f} |"


def goals(found: Benchmark) -> str:
    """Return what was to be reached and what was: a goal of seconds by the median."""
    best = max(found.contests, key=found.ratio)
    most, whole = found.ratio(best), found.ratio(found.contests[1])
    exact = [one.exact_seconds for one in found.bavaria]
    cpu = [one.exact_cpu_seconds for one in found.bavaria]
    fluid = [one.fluid_seconds for one in found.bavaria]
    return f"""\
| goal | reached | measured |
|---|---|---|
| {RATIO} times SimPy on the same model | {_reached(most >= RATIO)} by {best.name}, {_reached(whole >= RATIO)} by the exact level | {most:.0f} and {whole:.0f} times |
| a Bavarian morning under {MORNING_SECONDS:.0f} s after compilation | {_reached(median(exact) < MORNING_SECONDS)} | {spread(exact, ".1f")} s, {spread(cpu, ".1f")} s of CPU time on one core |
| the fluid answer under {FLUID_SECONDS:.0f} s | {_reached(median(fluid) < FLUID_SECONDS)} | {spread(fluid)} s |"""


def document(found: Benchmark) -> str:
    """Return the page docs/benchmarks/simulator.md."""
    rounds, one = len(found.bavaria), found.bavaria[0]
    exact = spread((each.exact_seconds for each in found.bavaria), ".1f")
    cpu = spread((each.exact_cpu_seconds for each in found.bavaria), ".1f")
    build = spread((each.build_seconds for each in found.bavaria), ".1f")
    fluid = spread(each.fluid_seconds for each in found.bavaria)
    rate = spread((each.events / each.exact_cpu_seconds / 1e6 for each in found.bavaria), ".1f")
    hashes = sorted({each.hash for each in found.bavaria})
    return f"""\
# The simulator against SimPy, and a whole Bavarian morning

Written by `python -m benchmarks.simulator`. Figures are medians of {rounds} rounds; in brackets the least and the greatest.

{goals(found)}

## The same queue in several implementations
M/M/200 at 95 % load, first come first served. A visit is one pupil at the queue. In each round the implementations took turns, and each is set against SimPy's rate in the same round; a second is one of CPU time on one core, and of the clock on two. Drawing the jobs is in the figures of SimPy and of the exact level, and is left out for the sweep, which gets them as arrays. A visit takes SimPy more events than the exact level, and the sweep none, so visits are what is compared. Theory (Erlang C) has a mean time of {found.theory:.4f}.

{table(found)}

## A Bavarian morning
{one.people:,} pupils, a dozen requests each ({one.requests:,} in all, {one.visits:,} visits to four tiers, {one.events:,} events), all of whom completed: {exact} s by the clock, {cpu} s of CPU time on one core, {rate} million events a second of it. Reading the profile and drawing who comes when took {build} s before it, the fluid level {fluid} s. Demands are those of a lab, hosts such that they carry it: this measures the simulator, not a platform.

Result hash of every round: {" and ".join(f"`{found}`" for found in hashes)}.

The exact level runs on one core: its pupils meet at the database and the edge, so the morning is one system, and an event lasts a fraction of what handing it to another core would. The second core can take another seed or another platform.

{facts(found)}

Everything measured is in [simulator.json](simulator.json).
"""
