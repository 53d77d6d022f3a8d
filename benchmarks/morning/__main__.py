"""The command: `python -m benchmarks.morning --stack lab`."""

from __future__ import annotations

import secrets
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from benchmarks.facts import publish
from benchmarks.morning.document import document, sentence, table
from benchmarks.morning.ladder import RATES, climb
from benchmarks.morning.outcome import Ascent, Step, step
from benchmarks.morning.plans import plan, possible
from klokken import deployment, seeding
from klokken.errors import KlokkenError, MachineError
from klokken.results import Verdict
from klokken.storm import run
from klokken.storm.stations import worker_count

if TYPE_CHECKING:
    from klokken.inventory import Inventory
    from klokken.results import Results, StormPlan

# The rate at which the site is warmed, by other people than those of any rate that is tried.
WARM = 2.25


def ascend(stack: str, pupils: int, *, seed: bool) -> Ascent:
    """Ring storms at rising rates; raise KlokkenError where one cannot be rung."""
    inventory = deployment.read_inventory(stack)
    workers = worker_count(inventory)
    began = datetime.now(UTC)
    first = _plan(inventory, WARM, pupils, workers)
    spent, empty = _seed(inventory, first) if seed else (None, None)
    steps: list[Step] = []
    last: list[Results] = []

    def ring(rate: float) -> Step:
        _show(f"{rate:g} mornings a second")
        results, _ = run.storm(inventory, _plan(inventory, rate, pupils, workers))
        last[:] = [results]
        return step(results)

    def carries(rate: float) -> bool:
        found = ring(rate)
        if found.verdict is Verdict.INVALID:
            _show(f"again, since it was {'; '.join(found.missed)}")
            found = ring(rate)
        steps.append(found)
        _show("held" if not found.missed else f"missed: {'; '.join(found.missed)}")
        return not found.missed

    ring(WARM)
    highest = climb(carries, [rate for rate in RATES if possible(rate, pupils)])
    return Ascent(
        stack=stack,
        started=began,
        finished=datetime.now(UTC),
        machine=last[0].machine,
        versions=last[0].versions,
        pupils=pupils,
        seeding_seconds=spent,
        seeding_empty=empty,
        rate=highest,
        steps=steps,
    )


def _plan(inventory: Inventory, rate: float, pupils: int, workers: int) -> StormPlan:
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name = f"{now}-morning-rate-{secrets.token_hex(2)}"
    return plan(inventory, rate, pupils, name, workers)


def _seed(inventory: Inventory, planned: StormPlan) -> tuple[float, int]:
    """Seed everybody's drive; return the seconds it took and how many were empty before."""
    began = time.monotonic()
    seeded = seeding.fill(inventory, planned)
    if failed := seeded.failed:
        klass, cause = next(iter(failed.items()))
        raise MachineError(f"seeding: {len(failed)} classes are not whole, class {klass}: {cause}")
    return round(time.monotonic() - began, 1), seeded.empty


def _show(line: str) -> None:
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=True)


@click.command()
@click.option("--stack", default="lab", show_default=True, help="The stack to storm.")
@click.option("--pupils", default=1000, show_default=True, help="Those whose drives are seeded.")
@click.option("--seed", is_flag=True, help="Seed their drives first; adds only what is missing.")
def main(stack: str, pupils: int, *, seed: bool) -> None:
    """Find the highest rate of school mornings, and write docs/benchmarks/morning-rate.md."""
    try:
        ascent = ascend(stack, pupils, seed=seed)
        path = publish("morning-rate", document(ascent), ascent)
    except KlokkenError as error:
        click.echo(f"benchmark: {error}", err=True)
        sys.exit(error.code)
    click.echo(table(ascent))
    click.echo(sentence(ascent))
    click.echo(f"written to {path}", err=True)


if __name__ == "__main__":
    main()
