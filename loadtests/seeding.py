"""Seeds the drives of some classes: `python -m loadtests.seeding` on a load generator's host.

Standard input is one `Seeding` as JSON. Standard output is a line of JSON a class: `klass`, its
`pupils`, how many drives were `empty` before, the teacher's among them, and the `cause` where it
failed. It ends when the classes are done, or when whoever started it is gone and the output can
no longer be written.
"""

from __future__ import annotations

import json
import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated

from gevent.pool import Pool
from pydantic import Field

from klokken import population
from klokken.document import Document
from klokken.results import StormPlan
from loadtests.pupil import Desk
from loadtests.record import Recorder
from loadtests.seed import seed_class
from loadtests.target import allowed_target
from loadtests.transport import Transport, tls_context
from loadtests.world import World, origins


class Seeding(Document):
    """The classes to seed, `parallel` at a time; `allowed` are the addresses of the edge."""

    plan: StormPlan
    classes: list[int]
    parallel: Annotated[int, Field(ge=1, le=64)]
    allowed: list[str]
    ca_file: Path
    password_file: Path


def seed(order: Seeding) -> None:
    """Seed the classes of `order` and say so of each."""
    plan = order.plan
    targets = {origin: allowed_target(origin, order.allowed) for origin in origins(plan)}
    transport = Transport(targets, tls_context(order.ca_file))
    world = World(plan, order.password_file.read_text().strip("\r\n"), time.monotonic)
    pool = Pool(order.parallel)
    for klass in order.classes:
        pool.spawn(_one, world, transport, klass)
    pool.join(raise_error=True)


def _one(world: World, transport: Transport, klass: int) -> None:
    whole = world.plan.profile.journey
    recorder = Recorder(whole)
    Desk(
        connect=transport.connection,
        journey=partial(seed_class, world),
        recorder=recorder,
        clock=time.monotonic,
        patience=None,
        listener=lambda *_: None,
        retries=world.plan.retries,
    ).attend(klass, time.monotonic())
    pupils = len(population.pupils_of(klass, world.plan.pupils))
    told = recorder.take(time.monotonic(), final=True)
    causes = [cause for name, cause, _ in told["failures"] if name == whole]
    line = {
        "klass": klass,
        "pupils": pupils,
        "empty": dict(told["ok"]).get("first_drives", 0),
        "cause": causes[0] if causes else "",
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    seed(Seeding.model_validate_json(sys.stdin.read()))
