"""An errand at a site: what a load generator does there outside of any storm."""

from __future__ import annotations

import errno
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klokken.document import Document
from klokken.results import StormPlan
from loadtests.pupil import Desk
from loadtests.record import Recorder
from loadtests.target import allowed_target
from loadtests.transport import Transport, tls_context
from loadtests.world import World, origins

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.pupil import Connection
    from loadtests.steps import Journey


class Errand(Document):
    """Whose site it is; `allowed` are the addresses of the edge."""

    plan: StormPlan
    allowed: list[str]
    ca_file: Path
    password_file: Path

    def site(self) -> tuple[World, Transport]:
        """Return what journeys of the plan share, and the way to its origins.

        Raises StormRefusedError for an origin that is at none of the allowed addresses.
        """
        targets = {origin: allowed_target(origin, self.allowed) for origin in origins(self.plan)}
        secret = self.password_file.read_text().strip("\r\n")
        world = World(self.plan, secret, time.monotonic)
        return world, Transport(targets, tls_context(self.ca_file))


def require_listener() -> None:
    """Raise BrokenPipeError where nobody reads the standard output any more."""
    output = select.poll()
    # Asked for nothing, it tells of an error or of the other end's close.
    output.register(sys.stdout.fileno(), 0)
    if output.poll(0):
        raise BrokenPipeError(errno.EPIPE, "nobody reads what is said")


def attended(
    world: World,
    connect: Callable[[], Connection],
    name: str,
    journey: Callable[[int], Journey],
    number: int,
) -> tuple[dict[str, Any], str]:
    """Take one person through a journey called `name`, without a limit to the whole.

    Returns what was recorded, and the cause where the journey failed, else nothing.
    """
    recorder = Recorder(name)
    Desk(
        connect=connect,
        journey=journey,
        recorder=recorder,
        clock=time.monotonic,
        patience=None,
        listener=lambda *_: None,
        retries=world.plan.retries,
    ).attend(number, time.monotonic())
    told = recorder.take(time.monotonic(), final=True)
    causes = [cause for failed, cause, _ in told["failures"] if failed == name]
    return told, causes[0] if causes else ""
