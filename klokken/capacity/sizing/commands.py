"""The commands that size a platform and its roll-out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from klokken import files
from klokken.capacity.run import DEMANDS_FILE
from klokken.capacity.sizing import pictures, report, stack
from klokken.capacity.sizing.course import Course
from klokken.capacity.sizing.run import put_down
from klokken.capacity.sizing.run import size as sized
from klokken.capacity.sizing.summary import compared, summary
from klokken.capacity.sizing.task import Choices
from klokken.capacity.sizing.waves import roll_out
from klokken.capacity.sizing.waves import summary as waves_summary
from klokken.report.sheet import NAME

if TYPE_CHECKING:
    from collections.abc import Callable

FILE = click.Path(dir_okay=False, path_type=Path)


# What both commands take.
_RULES = (
    click.option("--demands", type=FILE, default=DEMANDS_FILE, help="What requests cost; a lab's."),
    click.option("--prices", type=FILE, help="One price list instead of the product's own."),
    click.option("--provider", multiple=True, help="Only this provider. Repeatable."),
    click.option(
        "--headroom", default=0.3, show_default=True, help="The share of a host kept free."
    ),
    click.option("--cell", type=int, help="Pupils of a drive cell at most; 50000, or fewer."),
    click.option("--json", "as_json", is_flag=True, help="Print the results as JSON."),
)
C = TypeVar("C", bound="Callable[..., object]")


def _with_rules(command: C) -> C:
    for option in reversed(_RULES):
        command = option(command)
    return command


@click.command()
@click.argument("profile")
@_with_rules
@click.option("--write", metavar="STACK", help="Write the stack's config for a site of this size.")
@click.option("--compare", multiple=True, metavar="PROFILE", help="Beside this one. Repeatable.")
def size(  # noqa: PLR0913 - one parameter an option
    *,
    profile: str,
    demands: Path,
    prices: Path | None,
    provider: tuple[str, ...],
    headroom: float,
    cell: int | None,
    write: str | None,
    compare: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say how many hosts of which kind PROFILE needs, and what they cost."""
    if write:
        stack.check(write)
    found = []
    for name in (profile, *compare):
        chosen = Choices(name, demands, prices, provider, headroom, cell)
        answer = sized(chosen)
        path = put_down(answer.answer)
        drawn = pictures.put_down(answer, path.parent)
        page = path.with_name(NAME)
        files.write(page, report.render(answer.answer, answer.title, drawn))
        found.append(answer.answer)
        if not as_json:
            click.echo(summary(answer.answer, path))
            click.echo(f"  drawn beside it: {', '.join(drawn)}; to read: {page}")
        if write and name == profile:
            for line in stack.write(write, answer):
                click.echo(f"  {line}", err=as_json)
    if as_json:
        bodies = [json.loads(one.model_dump_json()) for one in found]
        click.echo(json.dumps(bodies if compare else bodies[0], indent=2))
    elif compare:
        click.echo(compared(found))


@click.command()
@click.argument("profile", default="denmark-morning")
@click.option("--waves", "count", default=4, show_default=True, help="Waves after today's.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    default="2027-08-01",
    show_default=True,
    help="When the last one begins; the target is the summer of 2027.",
)
@_with_rules
def waves(  # noqa: PLR0913 - one parameter an option
    *,
    profile: str,
    count: int,
    until: datetime,
    demands: Path,
    prices: Path | None,
    provider: tuple[str, ...],
    headroom: float,
    cell: int | None,
    as_json: bool,
) -> None:
    """Say what to add with each wave, from the kommuner of today to all 98 of PROFILE."""
    chosen = Choices(profile, demands, prices, provider, headroom, cell)
    found = roll_out(chosen, Course(count, until.date()), datetime.now(UTC).date())
    click.echo(found.model_dump_json(indent=2) if as_json else waves_summary(found))
