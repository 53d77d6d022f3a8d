"""The command: `python -m benchmarks.directory --stack lab`."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime

import click

from benchmarks.directory.cells import cells
from benchmarks.directory.document import document, table
from benchmarks.directory.measurement import Measurement
from benchmarks.directory.outcome import Block, Comparison
from benchmarks.facts import publish
from benchmarks.probing import probing
from klokken import deployment, telemetry
from klokken.errors import InputError, KlokkenError, MachineError
from klokken.profile import Profile
from klokken.remote import Remote
from klokken.storm.driver import edges
from klokken.storm.plan import plan_storm
from klokken.topology import Tier

# Seconds that a step under way may take beyond the limit.
GRACE = 600.0


def steps_of(text: str) -> list[int]:
    """Return the rising numbers of accounts that `text` lists; raise InputError."""
    words = text.split(",")
    numbers = [int(word) for word in words if word.strip().isdigit()]
    if len(numbers) != len(words) or sorted({*numbers} - {0}) != numbers:
        raise InputError("benchmark", "steps", f"is {text!r}", "give rising numbers as 100,500")
    return numbers


def compare(stack: str, steps: list[int], minutes: float) -> Comparison:
    """Run the whole comparison; raise KlokkenError where it cannot be."""
    inventory = deployment.read_inventory(stack)
    both = cells(inventory)
    accounts = inventory.site.site_accounts
    if steps[-1] > accounts:
        raise InputError("benchmark", "steps", f"the stack has {accounts} accounts", "give fewer")
    host = Remote.of(inventory, Tier.LOADGEN)[0]
    profile = Profile.named("morning")
    pupils = profile.pupils.model_copy(update={"value": steps[-1]})
    plan = plan_storm(
        profile.model_copy(update={"pupils": pupils}), inventory, run="benchmark-directory"
    )
    started, began = datetime.now(UTC), time.monotonic()
    before = {cell.directory: cell.accounts() for cell in both}
    measured: list[Block] = []
    try:
        with probing(host, plan, edges(inventory), 60 * minutes + GRACE) as ask:
            running = Measurement(both, ask, began + 60 * minutes, shown=_show).run(steps)
            measured.extend(running)  # keeps what came before an error
    except MachineError as error:
        _show(f"ended early: {error}")
    done = {block.step for block in measured if block.request != "first_login"}
    if not done:
        raise MachineError("no step was done; see above, or give --minutes more")
    return Comparison(
        stack=stack,
        started=started,
        finished=datetime.now(UTC),
        machine=telemetry.machine_facts(host),
        versions=telemetry.versions(inventory),
        accounts_before=before,
        steps=sorted(done),
        blocks=measured,
    )


def _show(line: str) -> None:
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=True)


@click.command()
@click.option("--stack", default="lab", show_default=True, help="A stack with both directories.")
@click.option("--steps", default="100,500,1000,3000", show_default=True, help="Accounts.")
@click.option("--minutes", default=60.0, show_default=True, help="No step begins after these.")
def main(stack: str, steps: str, minutes: float) -> None:
    """Compare the embedded directory with slapd, and write docs/benchmarks/directory.md."""
    try:
        comparison = compare(stack, steps_of(steps), minutes)
        path = publish("directory", document(comparison), comparison)
    except KlokkenError as error:
        click.echo(f"benchmark: {error}", err=True)
        sys.exit(error.code)
    click.echo(table(comparison))
    click.echo(f"written to {path}", err=True)


if __name__ == "__main__":
    main()
