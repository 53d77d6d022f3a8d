"""The clocks of the hosts of a storm, by which their workers begin together."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from subprocess import PIPE
from typing import TYPE_CHECKING

from klokken.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.remote import Remote

# Seconds by which two clocks may differ.
LIMIT = 0.05
# The quickest of so many questions says most.
_QUESTIONS = 8
_PATIENCE = 30.0
_ANSWERS = "while read -r _; do date +%s.%N; done"


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a host's clock is ahead of ours, in seconds, give or take `uncertainty`."""

    ahead: float
    uncertainty: float


def read(host: Remote) -> Reading:
    """Ask a host for the time, over one connection; half the way there and back is uncertain."""
    command = [*host.command(), host.remote_command(["sh", "-c", _ANSWERS])]
    with host.process(command, stdin=PIPE) as process:
        bound = threading.Timer(_PATIENCE, process.kill)
        bound.start()
        try:
            asked, answered = process.stdin, process.stdout
            assert asked is not None  # noqa: S101 - both are pipes
            assert answered is not None  # noqa: S101
            readings = []
            for _ in range(_QUESTIONS):
                sent = time.time()
                asked.write(b"\n")
                asked.flush()
                told = float(answered.readline())
                half = (time.time() - sent) / 2
                readings.append(Reading(told - sent - half, half))
        except (OSError, ValueError):
            raise MachineError(f"{host.name}: does not tell the time") from None
        finally:
            bound.cancel()
    return min(readings, key=lambda reading: reading.uncertainty)


def complaints(hosts: Sequence[Remote]) -> list[str]:
    """Return a line for each host whose clock is not that of the first."""
    if len(hosts) == 1:
        return []
    with ThreadPoolExecutor(len(hosts)) as pool:
        first, *others = pool.map(read, hosts)
    return [
        f"{host.name}: its clock is {abs(ahead) * 1000:.0f} ms"
        f" {'ahead of' if ahead > 0 else 'behind'} that of {hosts[0].name}, give or take"
        f" {uncertain * 1000:.0f} ms, and a storm begins by it; set it, such as by"
        " `chronyc makestep`"
        for host, reading in zip(hosts[1:], others, strict=True)
        for ahead, uncertain in [difference(first, reading)]
        if abs(ahead) - uncertain > LIMIT
    ]


def difference(first: Reading, other: Reading) -> tuple[float, float]:
    """Return how far `other` is ahead of `first`, and how uncertain that is, in seconds."""
    return other.ahead - first.ahead, other.uncertainty + first.uncertainty
