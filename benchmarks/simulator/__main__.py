"""The command: `python -m benchmarks.simulator`."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import mean
from typing import TYPE_CHECKING

import click

from benchmarks.facts import machine, publish
from benchmarks.simulator.bavaria import morning
from benchmarks.simulator.document import document, goals, table
from benchmarks.simulator.outcome import Bavaria, Benchmark, Contest
from benchmarks.simulator.queue_models import (
    LOAD,
    SERVERS,
    Run,
    with_exact,
    with_simpy,
    with_sweep,
    with_sweep_on_two,
)
from klokken.errors import KlokkenError

if TYPE_CHECKING:
    from collections.abc import Callable


def theory() -> float:
    """Return the mean time at the queue in units of the mean work, by Erlang C."""
    blocked = 1.0
    for servers in range(1, SERVERS + 1):
        offered = SERVERS * LOAD * blocked
        blocked = offered / (servers + offered)
    waits = blocked / (1 - LOAD * (1 - blocked))
    return 1 + waits / (SERVERS * (1 - LOAD))


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Of each queue, and of the morning.")
@click.option("--fraction", default=1.0, show_default=True, help="The share of Bavaria's pupils.")
def main(rounds: int, fraction: float) -> None:
    """Measure the simulator and write docs/benchmarks/simulator.md."""
    try:
        found = _measured(rounds, fraction)
        path = publish("simulator", document(found), found)
    except KlokkenError as error:
        click.echo(str(error), err=True)
        sys.exit(error.code)
    click.echo(table(found))
    click.echo(goals(found))
    click.echo(f"written to {path}", err=True)


def _measured(rounds: int, fraction: float) -> Benchmark:
    contests: list[tuple[str, int, Callable[[int, int], Run]]] = [
        ("SimPy", 100_000, with_simpy),
        ("exact level, one core", 1_000_000, with_exact),
        ("sweep, one core", 5_000_000, with_sweep),
        ("sweep, two cores", 5_000_000, with_sweep_on_two),
    ]
    for _, _, run in contests[1:]:
        run(1000, 0)  # compiles it
    morning(0.001)
    started = datetime.now(UTC)
    runs: list[list[Run]] = []
    mornings: list[Bavaria] = []
    for seed in range(1, rounds + 1):
        runs.append([run(visits, seed) for _, visits, run in contests])
        mornings.append(morning(fraction))
    return Benchmark(
        started=started,
        theory=theory(),
        contests=[
            Contest(
                name=name,
                visits=visits,
                rates=[one[n].rate for one in runs],
                events=runs[0][n].events,
                mean=mean(one[n].mean for one in runs),
            )
            for n, (name, visits, _) in enumerate(contests)
        ],
        bavaria=mornings,
        finished=datetime.now(UTC),
        machine=machine(),
        versions={"Python": platform.python_version()}
        | {name: version(name) for name in ("numba", "numpy", "simpy")},
    )


if __name__ == "__main__":
    main()
