"""Seeding: what pupils have in their drives before a storm, written from the load generator."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

import click

from klokken import deployment, population
from klokken.errors import Exit, InputError, MachineError
from klokken.loadgen import CA_FILE, CODE, PASSWORD_FILE, PYTHON
from klokken.profile import Profile
from klokken.remote import Remote
from klokken.storm import run
from klokken.storm.driver import edges
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from klokken.inventory import Inventory
    from klokken.results import StormPlan

# Classes at a time in one process: the drive waits for the disk, the login for the processor.
PARALLEL = 4
# Seconds for the whole, and for each pupil on top.
LIMIT, LIMIT_EACH = 300.0, 2.0


@dataclass(slots=True)
class Seeded:
    """What seeding did: how many drives were `empty` before, and why classes `failed`."""

    empty: int = 0
    failed: dict[int, str] = field(default_factory=dict)


@click.command()
@click.argument("profile")
@click.option("--stack", default="lab", show_default=True, help="The stack whose drives to seed.")
@click.option("--fraction", default=1.0, show_default=True, help="The share of pupils to seed.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def seed(*, profile: str, stack: str, fraction: float, as_json: bool) -> None:
    """Give the pupils of PROFILE the folders, documents and exam papers that its storm expects."""
    inventory = deployment.read_inventory(stack)
    plan = run.plan(
        Profile.named(profile),
        inventory,
        fraction=fraction,
        seed=1,
        opens=None,
        closes=None,
        compression=None,
    )
    began = datetime.now(UTC)
    seeded = fill(inventory, plan)
    seconds = (datetime.now(UTC) - began).total_seconds()
    if as_json:
        told = {"pupils": plan.pupils, "seconds": round(seconds, 1), **asdict(seeded)}
        click.echo(json.dumps(told))
    else:
        empty = f"{seeded.empty} drives were empty before"
        click.echo(f"seeded {plan.pupils} pupils in {seconds:.0f} s; {empty}", err=True)
    if seeded.failed:
        klass, cause = next(iter(seeded.failed.items()))
        raise MachineError(
            f"seeding: {len(seeded.failed)} classes are not whole, class {klass}: {cause};"
            " seed again to complete them"
        )
    sys.exit(Exit.PASS)


def require(inventory: Inventory, plan: StormPlan) -> None:
    """Raise InputError where a class of `plan` lacks what its storm expects in its drives."""
    if failed := fill(inventory, plan, look=True).failed:
        klass, cause = min(failed.items())
        name = plan.profile.name
        raise InputError(
            f"profile {name}", "pupils", f"class {klass}: {cause}", f"run `klokken seed {name}`"
        )


def fill(inventory: Inventory, plan: StormPlan, *, look: bool = False) -> Seeded:
    """Seed every class of `plan`, shown by a progress bar; return what came of it.

    Where they are only to be looked at, what they lack is why they failed.
    As many processes as the storm has workers do it, on all load generators in turn. Whatever
    ends this before its time, such as Ctrl-C, ends all of them.

    Raises MachineError where the load generator did not do its part.
    """
    hosts = Remote.of(inventory, Tier.LOADGEN)
    shares = [list(range(population.teachers(plan.pupils)))[n :: plan.workers]
              for n in range(plan.workers)]  # fmt: skip
    seeded, counting = Seeded(), Lock()
    with (
        click.progressbar(
            length=plan.pupils, label="looking" if look else "seeding", file=sys.stderr
        ) as bar,
        ThreadPoolExecutor(plan.workers) as pool,
        ExitStack() as processes,
    ):

        def follow(host: Remote, lines: Iterator[str]) -> None:
            for told in _told(host, lines):
                with counting:
                    bar.update(told["pupils"])
                    seeded.empty += told["empty"]
                    if told["cause"]:
                        seeded.failed[told["klass"]] = told["cause"]

        work = [(hosts[n % len(hosts)], classes) for n, classes in enumerate(shares) if classes]
        started = [
            (
                host,
                processes.enter_context(_seeding(host, _order(inventory, plan, part, look=look))),
            )
            for host, part in work
        ]
        for ended in [pool.submit(follow, *part) for part in started]:
            ended.result()
    return seeded


def _order(
    inventory: Inventory, plan: StormPlan, classes: list[int], *, look: bool
) -> dict[str, Any]:
    """Return what `loadtests.seeding` is told."""
    return {
        "plan": plan.model_dump(mode="json"),
        "classes": classes,
        "look": look,
        "parallel": PARALLEL,
        "allowed": edges(inventory),
        "ca_file": CA_FILE,
        "password_file": PASSWORD_FILE,
    }


def _seeding(host: Remote, order: dict[str, Any]) -> AbstractContextManager[Iterator[str]]:
    """Return one process on the host, which gives its lines."""
    argv = ["env", f"PYTHONPATH={CODE}", PYTHON, "-m", "loadtests.seeding"]
    timeout = LIMIT + LIMIT_EACH * len(order["classes"]) * population.PUPILS_A_CLASS
    return host.speaking(argv, given=json.dumps(order).encode(), timeout=timeout, root=True)


def _told(host: Remote, lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    """Yield what a process says of each class."""
    for line in lines:
        try:
            told = json.loads(line)
            yield {"klass": int(told["klass"]), "pupils": int(told["pupils"]),
                   "empty": int(told["empty"]), "cause": str(told["cause"])}  # fmt: skip
        except (ValueError, KeyError, TypeError):
            raise MachineError(f"{host.name}: seeding says {line.strip()[:80]!r}") from None
