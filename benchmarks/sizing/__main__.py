"""The command: `python -m benchmarks.sizing`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from platform import python_version
from statistics import median
from typing import TYPE_CHECKING, Any

import click

from benchmarks.facts import Measured, facts, machine, publish
from klokken.document import Document
from klokken.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Sequence

GOAL_SECONDS = 120.0
PROGRAM = "import sys; from klokken.cli import main; sys.argv[0] = 'klokken'; main()"
COMMANDS = (("size", "denmark"), ("size", "denmark-morning"), ("size", "bavaria"), ("waves",))


class Timing(Document):
    """One command in a process of its own: seconds by the clock and of CPU, in each round."""

    command: str
    rounds: list[tuple[float, float]]
    says: dict[str, Any]


class Benchmark(Measured):
    """What was measured; `first` is that of the first command with nothing compiled yet."""

    first: tuple[float, float]
    timings: list[Timing]


def timed(command: Sequence[str], cache: str | None = None) -> tuple[tuple[float, float], Any]:
    """Run a command with `--json`; return its seconds and what it printed."""
    environment = os.environ | ({"XDG_CACHE_HOME": cache} if cache else {})
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command, "--json"],
        cwd=PROJECT,
        env=environment,
        check=True,
        capture_output=True,
    )
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (ended - began, cpu), json.loads(done.stdout)


def _said(printed: Any) -> dict[str, Any]:
    """Return what the page tells of an answer."""
    if "waves" in printed:
        return {"waves": len(printed["waves"])}
    return {
        "platform": f"{printed['sites']} x {printed['pupils_a_site']:,} pupils, {printed['title']}",
        "eur_month": printed["cost"]["month_eur"],
        "mornings": len(printed["mornings"]) + len(printed["takeovers"]),
        "people": printed["mornings"][0]["offered"],
    }


def document(found: Benchmark) -> str:
    """Return the page docs/benchmarks/sizing.md."""
    rows = "\n".join(_row(timing) for timing in found.timings)
    denmark = found.timings[0]
    slowest = max(clock for clock, _ in denmark.rounds)
    first, first_cpu = found.first
    verdict = "yes" if slowest < GOAL_SECONDS else "**no**"
    # A cell of a table is one line, and so is a paragraph.
    return f"""\
# How long sizing takes

Written by `python -m benchmarks.sizing`.

| goal | reached | measured |
|---|---|---|
| `klokken size` for Denmark in under two minutes | {verdict} | {slowest:.0f} s at worst, compiled before; {first:.0f} s ({first_cpu:.0f} s of CPU) the first time ever |

| command | answer | people simulated | clock s | CPU s |
|---|---|---|---|---|
{rows}

Each command ran in a process of its own, each round ({len(denmark.rounds)}) all of them; the table has the medians. It searches all price lists, then simulates every pupil and request of the morning of one site: with all hosts, with one of the edge down, with one of identity down, and with the loss of a database and of a cell of the drive until another host has taken over. `waves` searches only. One core is used, at the lowest priority beside other work: the clock says as much of that as of the command, CPU does not.

{facts(found)}

Everything measured is in [sizing.json](sizing.json).
"""  # noqa: E501


def _row(timing: Timing) -> str:
    clock, cpu = (median(one[place] for one in timing.rounds) for place in (0, 1))
    said = timing.says
    answer = (
        f"{said['platform']}, {said['eur_month']:,.0f} EUR a month"
        if "platform" in said
        else f"{said['waves']} waves, today's among them"
    )
    people = f"{said['mornings']} x {said['people']:,}" if "people" in said else "-"
    return f"| `{timing.command}` | {answer} | {people} | {clock:.1f} | {cpu:.1f} |"


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Runs of each command.")
def main(rounds: int) -> None:
    """Measure sizing and write docs/benchmarks/sizing.md."""
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as cache:
        first, _ = timed(COMMANDS[0], cache)
    timings = []
    for command in COMMANDS:
        runs = [timed(command) for _ in range(rounds)]
        timings.append(
            Timing(
                command=" ".join(command),
                rounds=[seconds for seconds, _ in runs],
                says=_said(runs[0][1]),
            )
        )
        click.echo(_row(timings[-1]))
    found = Benchmark(
        started=started,
        finished=datetime.now(UTC),
        first=first,
        timings=timings,
        machine=machine(),
        versions={"Python": python_version()}
        | {name: version(name) for name in ("numba", "numpy")},
    )
    click.echo(f"written to {publish('sizing', document(found), found)}", err=True)


if __name__ == "__main__":
    main()
