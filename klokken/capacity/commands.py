"""The command that simulates a morning."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klokken.capacity.run import DEMANDS_FILE, PLATFORM_FILE, Choices, put_down
from klokken.capacity.run import simulate as simulated
from klokken.capacity.summary import summary
from klokken.errors import Exit
from klokken.results import Verdict

if TYPE_CHECKING:
    from klokken.capacity.simulation import Level

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("profile")
@click.option("--demands", type=FILE, default=DEMANDS_FILE, help="What requests cost; a lab's.")
@click.option("--platform", type=FILE, default=PLATFORM_FILE, help="The platform; a lab's.")
@click.option(
    "--level",
    type=click.Choice(["fluid", "sweep", "exact"]),
    default="exact",
    show_default=True,
    help="From the quickest to every pupil and request.",
)
@click.option("--seed", default=1, show_default=True, help="Draws another morning.")
@click.option("--fraction", default=1.0, show_default=True, help="The share of pupils that come.")
@click.option(
    "--kill", multiple=True, help="A host dies, and may return: TIER@SECOND[+SECONDS]. Repeatable."
)
@click.option(
    "--bound",
    type=click.Choice(["low", "value", "high"]),
    default="value",
    show_default=True,
    help="Which end of each demand's interval to reckon with.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def simulate(  # noqa: PLR0913 - one parameter an option
    *,
    profile: str,
    demands: Path,
    platform: Path,
    level: Level,
    seed: int,
    fraction: float,
    kill: tuple[str, ...],
    bound: str,
    as_json: bool,
) -> None:
    """Simulate the morning of PROFILE, a name or a file, on a platform that need not exist."""
    chosen = Choices(profile, demands, platform, level, seed, fraction, kill, bound)
    found = simulated(chosen)
    path = put_down(found)
    click.echo(found.model_dump_json(indent=2) if as_json else summary(found, path))
    sys.exit(Exit.PASS if found.verdict is Verdict.PASS else Exit.FAIL)
