"""The command that audits a run."""

from __future__ import annotations

import sys

import click

from klokken import deployment
from klokken.audit.run import folder_of, run, stack_of
from klokken.audit.summary import summary


@click.command()
@click.argument("name", metavar="RUN")
@click.option("--stack", help="The stack to read from; by default the one of the run.")
@click.option("--json", "as_json", is_flag=True, help="Print the audit as JSON.")
def audit(name: str, stack: str | None, *, as_json: bool) -> None:
    """Read back what pupils were told was stored in RUN, a name in results/ or a folder.

    Ends with 0 when nothing is lost, 1 when something is or nothing was stored at all, 4 when it
    could not be told.
    """
    folder = folder_of(name)
    outcome = run(folder, deployment.read_inventory(stack or stack_of(folder)))
    click.echo(outcome.model_dump_json(indent=2) if as_json else summary(outcome))
    sys.exit(outcome.exit)
