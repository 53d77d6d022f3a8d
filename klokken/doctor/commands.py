"""The command that says what a stack still lacks."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from klokken.doctor.examine import examine
from klokken.errors import Exit


@click.command()
@click.argument("stack")
@click.option(
    "--accept-host-keys",
    is_flag=True,
    help="Take the SSH keys that unknown servers show for theirs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(*, stack: str, accept_host_keys: bool, as_json: bool) -> None:
    """Say what STACK still lacks, and what it costs a month; change nothing anywhere."""
    today = datetime.now(UTC).date()
    found = examine(stack, today, accept_host_keys=accept_host_keys)
    click.echo(found.model_dump_json(indent=2) if as_json else "\n".join(found.lines()))
    sys.exit(Exit.PASS if found.ready else Exit.FAIL)
