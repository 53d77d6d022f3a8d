"""The command that holds an exam."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from klokken import deployment
from klokken.audit.summary import summary as audit_summary
from klokken.errors import InputError, StormRefusedError
from klokken.faults.exam import sit
from klokken.faults.kinds import in_order, parse
from klokken.faults.outcome import handed_in, table
from klokken.profile import Profile
from klokken.stackconfig import StackConfig
from klokken.storm import run
from klokken.storm.summary import summary
from klokken.substrates import Lab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.faults.kinds import Fault


@click.command()
@click.argument("profile", default="exam")
@click.option("--stack", default="lab", show_default=True, help="The stack to sit it at.")
@click.option("--fraction", default=1.0, show_default=True, help="The share of pupils that come.")
@click.option("--seed", default=1, show_default=True, help="Draws another exam.")
@click.option(
    "--compress", type=float, help="Divide the times of the exam by this factor, 1 or more."
)
@click.option("--fault", "asked", multiple=True, metavar="KIND@SECOND[+SECONDS]", help="Break it.")
@click.option("--json", "as_json", is_flag=True, help="Print audit and faults as JSON.")
def exam(  # noqa: PLR0913 - one parameter an option
    *,
    profile: str,
    stack: str,
    fraction: float,
    seed: int,
    compress: float | None,
    asked: tuple[str, ...],
    as_json: bool,
) -> None:
    """Sit the exam of PROFILE, a name or a file, with faults if asked for, and audit it.

    A fault begins SECOND seconds after the exam opens; see docs/exam-faults.md. With faults the
    exam is judged by what is lost, by whether everybody handed in, and by writes and logins being
    back within 30 s of each fault's end, not by the profile's service levels: requests that fail
    during a fault are expected.
    """
    faults = in_order([parse(text) for text in asked])
    _require_way_back(faults, stack)
    inventory = deployment.read_inventory(stack)
    plan = run.plan(
        Profile.named(profile),
        inventory,
        fraction=fraction,
        seed=seed,
        opens=None,
        closes=None,
        compression=compress,
    )
    if plan.profile.exam is None:
        raise InputError("exam", profile, "is no exam", "choose a profile with the journey exam")
    sat = sit(inventory, plan, faults, up=lambda: deployment.up(stack))
    if as_json:
        parts = {"audit": sat.audit, "faults": sat.faults}
        told = {name: part.model_dump(mode="json") for name, part in parts.items()}
        click.echo(json.dumps({"sat": sat.results.started_journeys, **told}, indent=2))
    else:
        parts_shown = [
            summary(sat.results, sat.folder),
            audit_summary(sat.audit),
            handed_in(sat.results, sat.audit),
            table(sat.faults),
        ]
        click.echo("\n".join(part for part in parts_shown if part))
    if sat.problem:
        click.echo(f"klokken: {sat.problem}", err=True)
    sys.exit(sat.exit)


def _require_way_back(faults: Sequence[Fault], stack: str) -> None:
    """Raise StormRefusedError for a host that would go off and that `up` could not switch on."""
    off = [fault.kind.name for fault in faults if fault.kind.name.startswith("poweroff-")]
    if off and not isinstance(StackConfig.read(stack).substrate, Lab):
        problem = "powers a host off, and only those of a lab are switched on again by `up`"
        raise StormRefusedError("exam", off[0], problem, "choose a fault that kills a service")
