"""The result as people read it: the page in docs/benchmarks/."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.facts import facts

if TYPE_CHECKING:
    from benchmarks.simulator.outcome import Benchmark

RATIO, MORNING_SECONDS, FLUID_SECONDS = 200, 20.0, 1.0


def _reached(yes: bool) -> str:  # noqa: FBT001 - the goal was reached or not
    return "yes" if yes else "**no**"


def table(found: Benchmark) -> str:
    """Return a row for each implementation, as Markdown."""
    rows = [
        f"| {one.name} | {one.visits:,} | {one.rate / 1e6:.2f} | {found.ratio(one):.0f} |"
        f" {one.mean:.4f} |"
        for one in found.contests
    ]
    head = "| implementation | visits | million visits/s | times SimPy | mean time / work |"
    return "\n".join([head, "|---|---|---|---|---|", *rows])


def goals(found: Benchmark) -> str:
    """Return what was to be reached and what was."""
    best = max(found.contests, key=found.ratio)
    most, whole = found.ratio(best), found.ratio(found.contests[1])
    exact = float(found.bavaria["exact_seconds"])
    cpu = float(found.bavaria["exact_cpu_seconds"])
    fluid = float(found.bavaria["fluid_seconds"])
    return f"""\
| goal | reached | measured |
|---|---|---|
| {RATIO} times SimPy on the same model | {_reached(most >= RATIO)} by {best.name}, {_reached(whole >= RATIO)} by the exact level | {most:.0f} and {whole:.0f} times |
| a Bavarian morning under {MORNING_SECONDS:.0f} s after compilation | {_reached(exact < MORNING_SECONDS)} | {exact:.1f} s, {cpu:.1f} s of CPU time on one core |
| the fluid answer under {FLUID_SECONDS:.0f} s | {_reached(fluid < FLUID_SECONDS)} | {fluid:.2f} s |"""


def document(found: Benchmark) -> str:
    """Return the page docs/benchmarks/simulator.md."""
    bavaria = found.bavaria
    cpu = float(bavaria["exact_cpu_seconds"])
    rate = float(bavaria["events"]) / cpu / 1e6
    return f"""\
# The simulator against SimPy, and a whole Bavarian morning

Written by `python -m benchmarks.simulator`.

{goals(found)}

## The same queue in several implementations
M/M/200 at 95 % load, first come first served. A visit is one pupil at the queue. The median of {len(found.contests[0].rates)} rounds, in which the implementations took turns; a second is one of CPU time on one core, and of the clock on two. Drawing the jobs beforehand is left out for the sweep, which gets them as arrays; it is in the figures of SimPy and of the exact level. Theory (Erlang C) has a mean time of {found.theory:.4f}.

{table(found)}

## A Bavarian morning
{bavaria["people"]:,} pupils, a dozen requests each ({bavaria["requests"]:,} in all, {bavaria["visits"]:,} visits to four tiers, {bavaria["events"]:,} events): {float(bavaria["exact_seconds"]):.1f} s by the clock, {cpu:.1f} s of CPU time on one core: {rate:.1f} million events a second. {bavaria["completed"]:,} completed. Reading the profile and drawing who comes when took {float(bavaria["build_seconds"]):.1f} s before it, the fluid level {float(bavaria["fluid_seconds"]):.2f} s. Demands are those of a lab, hosts such that they carry it: this measures the simulator, not a platform.

Result hash: `{bavaria["hash"]}`.

The exact level runs on one core: its pupils meet at the database and the edge, so the morning is one system, and an event lasts a fraction of what handing it to another core would. The second core can take another seed or another platform.

{facts(found)}

Everything measured is in [simulator.json](simulator.json).
"""
