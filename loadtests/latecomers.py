"""Signs pupils in while faults are made: `python -m loadtests.latecomers` on a load generator.

Pupils who sit an exam go on with the tokens they have; whether somebody new could come in, only
who comes anew can tell. Standard input is one `Latecomers` as JSON, standard output a line for
each login that has ended, a `Login`. It ends after its time, or when whoever started it is gone
and the output can no longer be written.
"""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated

import gevent
from gevent.pool import Pool
from pydantic import Field

from klokken.logins import Login
from loadtests.errand import Errand, attended
from loadtests.login import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from loadtests.pupil import Connection
    from loadtests.steps import Journey
    from loadtests.world import World

# Logins under way at a time; each ends within three time-outs, so more cannot come together.
_MOST = 64


class Latecomers(Errand):
    """One login every so many seconds, for so many in all."""

    every: Annotated[float, Field(gt=0)]
    seconds: Annotated[float, Field(gt=0)]


def come(
    world: World, connect: Callable[[], Connection], every: float, seconds: float
) -> Iterator[Login]:
    """Begin a login each time, whatever became of those before, and yield those that ended.

    The plan's pupils come one after the other, each by the steps of the journey `login`, once.
    """
    ended: list[Login] = []
    pool, begun = Pool(_MOST), 0
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        pool.spawn(_one, world, connect, begun % world.plan.pupils, ended)
        begun += 1
        gevent.sleep(every)
        while ended:
            yield ended.pop(0)
    pool.join(raise_error=True)
    yield from ended


def _one(world: World, connect: Callable[[], Connection], pupil: int, ended: list[Login]) -> None:
    sent = world.clock()
    _, cause = attended(world, connect, "login", partial(_sign_in, world), pupil)
    ended.append(Login(pupil=pupil, sent=sent, ended=world.clock(), cause=cause))


def _sign_in(world: World, pupil: int) -> Journey:
    person = world.person(pupil)
    yield from sign_in(world.site(person), person.username, world.secret, world.clock)


def main() -> None:
    """Do what standard input says."""
    order = Latecomers.model_validate_json(sys.stdin.read())
    world, transport = order.site()
    for login in come(world, transport.connection, order.every, order.seconds):
        sys.stdout.write(login.model_dump_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    # Whoever started it has heard enough.
    with suppress(BrokenPipeError):
        main()
