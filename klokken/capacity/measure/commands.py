"""The command that measures a stack."""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klokken import deployment, seeding, telemetry
from klokken.capacity.demands import Demands
from klokken.capacity.measure import exams, storms
from klokken.capacity.measure.accounts import in_cells
from klokken.capacity.measure.measurement import Known, Measurement, measured
from klokken.capacity.measure.output import put_down
from klokken.capacity.measure.run import FIRST, Run
from klokken.capacity.measure.schedule import LEAST_STARTS, LEAST_STEPS, Plan
from klokken.capacity.measure.site import Site
from klokken.capacity.measure.steps import NAME, Steps
from klokken.capacity.measure.summary import summary
from klokken.capacity.platform import Platform
from klokken.capacity.run import DEMANDS_FILE, PLATFORM_FILE
from klokken.errors import Exit, InputError
from klokken.paths import RESULTS
from klokken.profile import Profile
from klokken.remote import Remote
from klokken.stackconfig import StackConfig
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.inventory import Inventory

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("stack")
@click.option(
    "--profile",
    "names",
    multiple=True,
    default=["minute"],
    show_default=True,
    help="Whose journey to measure, exams too. Repeatable.",
)
@click.option(
    "--steps",
    type=click.IntRange(LEAST_STEPS, 100),
    default=LEAST_STEPS,
    show_default=True,
    help="Rates, or sizes of an exam, of which the largest is held out.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, 20),
    default=1,
    show_default=True,
    help="How often each rate is rung in a start.",
)
@click.option(
    "--starts",
    type=click.IntRange(LEAST_STARTS, 20),
    default=LEAST_STARTS,
    show_default=True,
    help="Fresh starts of the services.",
)
@click.option(
    "--most",
    multiple=True,
    metavar="[PROFILE=]RATE",
    help="The highest rate, a second, or an exam's pupils; guessed where not given. Repeatable.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Draws another order and other people.",
)
@click.option("--demands", type=FILE, default=DEMANDS_FILE, help="What was known before.")
@click.option("--platform", type=FILE, default=PLATFORM_FILE, help="Places and queues of the site.")
@click.option("--resume", metavar="RUN", help="Go on with a run that was not finished.")
@click.option("--json", "as_json", is_flag=True, help="Print measure.json.")
def measure(  # noqa: PLR0913 - one parameter an option
    *,
    stack: str,
    names: tuple[str, ...],
    steps: int,
    repeats: int,
    starts: int,
    most: tuple[str, ...],
    seed: int,
    demands: Path,
    platform: Path,
    resume: str | None,
    as_json: bool,
) -> None:
    """Measure what a journey costs each tier of STACK, over fresh starts of its services.

    The services are restarted several times, and the stack is stormed for as long as the first
    line says: nobody else should use it or its machine. What was rung is kept whatever happens,
    and --resume goes on behind it; the options of the first call then hold.
    """
    inventory = deployment.read_inventory(stack)
    if resume:
        found = Steps.read(RESULTS / resume / NAME)
        if found.plan.stack != stack:
            raise InputError("measure", "resume", f"is of stack {found.plan.stack}", "name it")
        if found.torn:
            _say(found.torn)
    else:
        profiles = [Profile.named(name) for name in dict.fromkeys(names)]
        known = _known(Demands.read(demands), Platform.read(platform), inventory)
        visiting = _visiting(profiles, known, demands, platform)
        now = datetime.now(UTC)
        plan = Plan(
            run=f"{now:%Y%m%dT%H%M%SZ}-measure-{stack}-{secrets.token_hex(2)}",
            stack=stack,
            began=now,
            seed=seed,
            steps=steps,
            repeats=repeats,
            starts=starts,
            most=storms.highest_rates(most, [profile.name for profile in profiles]),
            profiles=profiles,
            shared=StackConfig.read(stack).substrate.kind == "lab",
            demands=known.demands,
            platform=known.platform,
            **_facts(inventory, visiting),
        )
        _refuse_early(plan, inventory)
        found = Steps.begin(RESULTS / plan.run / NAME, plan)
    result = _rung(found, inventory)
    click.echo(result.model_dump_json(indent=2) if as_json else summary(result, found.path.parent))
    sys.exit(Exit.PASS if result.predicted_well else Exit.FAIL)


def _known(demands: Demands, platform: Platform, inventory: Inventory) -> Known:
    return Known(demands, platform, inventory.site.site_accounts)


def _visiting(
    profiles: Sequence[Profile], known: Known, demands: Path, platform: Path
) -> list[Profile]:
    """Return the profiles that visit the drive.

    Raises InputError where demands or platform lack what one of them needs.
    """
    found = []
    for profile in profiles:
        tiers = known.demands.journey(profile.journey, demands).tiers
        known.platform.require(tiers, platform)
        found += [profile] if Tier.DRIVE in tiers else []
    return found


def _refuse_early(plan: Plan, inventory: Inventory) -> None:
    """Raise InputError, before any service is touched, where a storm would be refused."""
    logins = storms.warming(Profile.named(FIRST)).pupils.value
    if logins > (there := inventory.site.site_accounts):
        raise InputError(
            f"stack {plan.stack}",
            "accounts",
            f"are {there}, and each start begins with {logins} logins",
            "raise them in the stack's config",
        )
    for profile in plan.profiles:
        people = storms.people_of(profile, inventory.site.site_accounts)
        # A rate that is to be guessed will be at most what there are people for.
        most = plan.most.get(profile.name, storms.highest(profile, people))
        rates = storms.rates_of(profile, most, plan.steps)
        storms.check(profile, people, rates)
        largest = (
            exams.sitting(profile, rates[-1], renews=True)
            if profile.exam
            else storms.steady(profile, people, rates[-1])
        )
        planned = storms.planned(
            largest, inventory, run=plan.run, seed=plan.seed, length=storms.LENGTH
        )
        if profile.exam:
            seeding.require(inventory, planned)


def _facts(inventory: Inventory, visiting: Sequence[Profile]) -> dict[str, object]:
    """Return what the plan says of hosts, machine and the cells of those `visiting` the drive."""
    nodes = {tier: len(inventory.hosts(tier)) for tier in Tier if inventory.hosts(tier)}
    cores = {
        tier: sum(telemetry.machine_facts(host).cores for host in Remote.of(inventory, tier))
        for tier in nodes
    }
    return {
        "nodes": nodes,
        "cores": cores,
        "in_cell": in_cells(inventory, visiting) if visiting else {},
        "machine": telemetry.machine_facts(Remote.of(inventory, Tier.LOADGEN)[0]),
        "versions": telemetry.versions(inventory),
    }


def _rung(found: Steps, inventory: Inventory) -> Measurement:
    """Ring what is left, reckon, and put everything down."""
    plan, folder = found.plan, found.path.parent
    known = _known(plan.demands, plan.platform, inventory)
    _say(
        f"{plan.run}: {plan.storms} storms over {plan.starts} fresh starts, about"
        f" {plan.seconds / 60:.0f} minutes in all, at most {plan.most_seconds / 60:.0f}; go on with"
        f" `klokken measure {plan.stack} --resume {plan.run}`"
    )
    drive = any(Tier.DRIVE in known.demands.journeys[p.journey].tiers for p in plan.profiles)
    site = Site(inventory, shared=plan.shared, drive=drive, log=folder / "storms.log")
    Run(site, found, known.demands, _say).go_on()
    result, demands = measured(found, known)
    put_down(result, demands, folder)
    return result


def _say(line: str) -> None:
    click.echo(f"{datetime.now(UTC):%H:%M:%S} {line}", err=True)
