"""The commands that ring a storm and report it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klokken import deployment
from klokken.day import profiles
from klokken.errors import Exit, InputError
from klokken.results import Verdict
from klokken.storm import dry, remains, run
from klokken.storm.summary import summary

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from klokken.inventory import Inventory
    from klokken.profile import Profile
    from klokken.results import Results, StormPlan
    from klokken.storm.plan import Choices

CLOCK = click.DateTime(formats=["%H:%M:%S", "%H:%M"])
EXIT_OF = {
    Verdict.PASS: Exit.PASS,
    Verdict.FAIL: Exit.FAIL,
    Verdict.INVALID: Exit.INVALID,
    Verdict.DRY: Exit.PASS,
}


@dataclass(frozen=True)
class Ring:
    """How storms are planned and rung: at a site, or here in a dry run."""

    plan: Callable[[Profile, Choices], StormPlan]
    storm: Callable[[StormPlan], tuple[Results, Path]]


def _at_site(inventory: Inventory, *, web: bool) -> Ring:
    return Ring(
        lambda profile, chosen: run.plan(profile, inventory, **chosen),
        lambda planned: run.storm(inventory, planned, web=web),
    )


def _here(workers: int | None, answer: float | None) -> Ring:
    return Ring(
        lambda profile, chosen: dry.plan(profile, workers=workers, answer_seconds=answer, **chosen),
        dry.storm,
    )


@click.command()
@click.argument("profile")
@click.option("--stack", default="lab", show_default=True, help="The stack to storm.")
@click.option("--fraction", default=1.0, show_default=True, help="The share of pupils that come.")
@click.option("--seed", default=1, show_default=True, help="Draws another morning.")
@click.option("--from", "opens", type=CLOCK, help="Ring only from this time on.")
@click.option("--until", "closes", type=CLOCK, help="Ring only until this time.")
@click.option(
    "--compress", type=float, help="Divide the times of an exam, or a dry run, by this, 1 or more."
)
@click.option("--dry-run", "is_dry", is_flag=True, help="Send nothing: try the load generator.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes of a dry run: one a core.")
@click.option(
    "--answer", type=click.FloatRange(0, 60), help="Seconds to an answer in a dry run; 0.05."
)
@click.option("--web", is_flag=True, help="Serve Locust's own web interface meanwhile.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def storm(  # noqa: PLR0913 - one parameter an option
    *,
    profile: str,
    stack: str,
    fraction: float,
    seed: int,
    opens: datetime | None,
    closes: datetime | None,
    compress: float | None,
    is_dry: bool,
    workers: int | None,
    answer: float | None,
    web: bool,
    as_json: bool,
) -> None:
    """Ring the bell of PROFILE, a name or a file, at a stack that is up.

    Where PROFILE is a day, its storms are rung one after the other, `--compress` concerns its
    exams, and the command ends as the worst of them.

    With --dry-run no stack is needed: all pupils are rung through the real load generator on
    this machine, which gives every answer itself. Then `--compress` concerns every storm.
    """
    if is_dry and web:
        raise InputError("storm", "web", "shows a storm at a stack", "leave --web or --dry-run out")
    if not is_dry and (workers or answer is not None):
        raise InputError("storm", "workers, answer", "belong to a dry run", "give --dry-run")
    ring = _here(workers, answer) if is_dry else _at_site(deployment.read_inventory(stack), web=web)
    rung = profiles(profile)
    # All are planned before the first is rung: what must be refused is refused at once.
    plans = []
    for each in rung:
        chosen: Choices = {
            "fraction": fraction,
            "seed": seed,
            "opens": opens.time() if opens else None,
            "closes": closes.time() if closes else None,
            "compression": compress if each.exam or is_dry or len(rung) == 1 else None,
        }
        plans.append(ring.plan(each, chosen))
    worst = Exit.PASS
    for planned in plans:
        results, folder = ring.storm(planned)
        click.echo(results.model_dump_json(indent=2) if as_json else summary(results, folder))
        worst = max(worst, EXIT_OF[results.verdict])
    sys.exit(worst)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report(folder: Path) -> None:
    """Write the report of the run in FOLDER again.

    Where a run broke off before it had results, they are made of what was recorded until then.
    """
    click.echo(remains.reported(folder))
