"""Seeds the drives of some classes: `python -m loadtests.seeding` on a load generator's host.

Standard input is one `Seeding` as JSON. Standard output is a line of JSON a class: `klass`, its
`pupils`, how many drives were `empty` before, the teacher's among them, and the `cause` where it
failed. It ends when the classes are done, or at once when whoever started it is gone and nobody
reads the output any more.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated

import gevent
from gevent.pool import Pool
from pydantic import Field

from klokken import population
from loadtests.errand import Errand, attended, require_listener
from loadtests.seed import look_at_class, seed_class

if TYPE_CHECKING:
    from loadtests.transport import Transport
    from loadtests.world import World

# Seconds between looks at whether somebody still reads what is said.
LISTENING = 1.0


class Seeding(Errand):
    """The classes to seed, `parallel` at a time, or only to `look` at."""

    classes: list[int]
    look: bool = False
    parallel: Annotated[int, Field(ge=1, le=64)]


def seed(order: Seeding) -> None:
    """Seed the classes of `order` and say so of each; raise BrokenPipeError where nobody reads."""
    world, transport = order.site()
    work = gevent.spawn(
        Pool(order.parallel).map, partial(_one, world, transport, order), order.classes
    )
    while not work.ready():
        work.join(LISTENING)
        require_listener()
    work.get()


def _one(world: World, transport: Transport, order: Seeding, klass: int) -> None:
    whole = world.plan.profile.journey
    journey = partial(look_at_class if order.look else seed_class, world)
    told, cause = attended(world, transport.connection, whole, journey, klass)
    pupils = len(population.pupils_of(klass, world.plan.pupils))
    line = {
        "klass": klass,
        "pupils": pupils,
        "empty": dict(told["ok"]).get("first_drives", 0),
        "cause": cause,
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        seed(Seeding.model_validate_json(sys.stdin.read()))
