"""A worker process: waits for its share of the pupils, rings the bell for it, and reports."""

from __future__ import annotations

import gc
import os
import time
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gevent
import rtls
from gevent.event import AsyncResult

from klokken.people import Temper
from klokken.storm.attendance import attendance
from klokken.storm.timing import lasting
from loadtests import journeys
from loadtests.arrivals import MARGIN, Arrivals
from loadtests.pupil import Desk
from loadtests.record import Delta, Recorder
from loadtests.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.results import StormPlan
    from loadtests.null import Null
    from loadtests.pupil import Listener
    from loadtests.transport import Transport

# The message with which the master gives a worker its pupils, and the one that answers it.
SHARE = "klokken_share"
DELTA = "klokken_delta"
# Seconds to wait for the master's share after Locust has started the worker's one User.
_PATIENCE_FOR_SHARE = 60.0
# Seconds from which on a pupil that waits inside its journey gives its greenlet back.
_PARKS = 0.5
# Seconds between two pieces of a report: long enough for the loop to look at its timers.
_REST = 0.001
# Where the line of all cores in /proc/stat has the steal, after its name; and its unit.
_STEAL = 8
_TICKS = os.sysconf("SC_CLK_TCK")


class StormClock:
    """The school's clock: seconds since the storm's `opens`, which is at a given wall time.

    It reads the wall clock once and runs on the monotonic one, so that a clock being set in the
    middle of a storm moves no pupil.
    """

    def __init__(self, opens_at: float) -> None:
        """`opens_at` is in Unix seconds."""
        self._zero = time.monotonic() + (opens_at - time.time())

    def __call__(self) -> float:
        """Return the seconds since `opens`; negative before."""
        return time.monotonic() - self._zero


@dataclass(slots=True)
class Worker:
    """One worker process of a storm. `send` hands a delta to the master."""

    plan: StormPlan
    transport: Transport | Null
    password: str
    send: Callable[[Delta], None]
    listener: Listener
    _share: AsyncResult = field(default_factory=AsyncResult)
    _ringing: gevent.Greenlet | None = None

    def receive(self, share: dict[str, Any]) -> None:
        """Take the master's message: `first` and `end` of the pupils, `opens_at`, `watched`."""
        self._share.set(share)

    def ring(self) -> None:
        """Let every pupil of the share arrive, once; return when that is reported.

        The bell has a greenlet of its own. Where another worker goes or comes back, Locust shares
        its Users out anew: it may start a second one here, or stop the one that is here, and the
        bell must neither ring twice nor end.
        """
        if self._ringing is None:
            self._ringing = gevent.spawn(self._ring)
        self._ringing.get()

    def stop(self) -> None:
        """End the bell, and return when it is reported what became of the pupils."""
        if self._ringing is not None:
            self._ringing.kill()

    def _ring(self) -> None:
        share = self._share.get(timeout=_PATIENCE_FOR_SHARE)
        given = time.monotonic()
        clock = StormClock(share["opens_at"])
        recorder = Recorder(self.plan.profile.journey)
        arrivals = self._arrivals(share, recorder, clock)
        # What exists by now lives as long as the storm; the collector need not look at it
        # again, which it would do at the worst moments.
        gc.collect()
        gc.freeze()
        footprint = {
            "schedule_seconds": time.monotonic() - given,
            "schedule_bytes": arrivals.attendance.nbytes,
            "resident_bytes": _kernel_bytes("status", "VmRSS"),
            "proportional_bytes": _kernel_bytes("smaps_rollup", "Pss"),
        }
        self.send(recorder.take(clock()) | {"footprint": footprint})
        used = time.process_time()
        reporter = gevent.spawn(self._report, recorder, clock)
        try:
            arrivals.run()
        finally:
            reporter.kill()
            spent = {"cpu_seconds": time.process_time() - used}
            told = {"versions": self._versions(), "footprint": spent}
            self.send(recorder.take(clock(), final=True) | told)

    def _arrivals(
        self, share: dict[str, Any], recorder: Recorder, clock: Callable[[], float]
    ) -> Arrivals:
        plan, people = self.plan, self.plan.profile.people
        world = World(plan, self.password, clock)
        desk = Desk(
            connect=self.transport.connection,
            journey=partial(journeys.journey, world),
            recorder=recorder,
            clock=clock,
            patience=None if plan.profile.exam else plan.patience_seconds,
            # Locust's statistics are for its web interface, and cost 30 us a login.
            listener=self.listener if share["watched"] else _unheard,
            retries=plan.retries,
            temper=partial(Temper, people, plan.seed) if people else None,
            opened=share["opens_at"],
            seed=plan.seed,
            parks=_PARKS,
        )
        return Arrivals(
            attendance(plan, share["first"], share["end"]),
            desk.attend,
            recorder,
            clock,
            last=lasting(plan) + MARGIN,
        )

    def _report(self, recorder: Recorder, clock: Callable[[], float]) -> None:
        """Hand over what was recorded, once a second from the opening on. Runs until killed."""
        gevent.sleep(max(0.0, -clock()))
        then, used, stolen = clock(), time.process_time(), _stolen_seconds()
        while True:
            gevent.sleep(1.0)
            now, use, steal = clock(), time.process_time(), _stolen_seconds()
            recorder.used(
                (use - used) / (now - then),
                _kernel_bytes("status", "VmHWM"),
                stolen=(steal - stolen) / (now - then),
            )
            then, used, stolen = now, use, steal
            self.send(recorder.take(now, rest=partial(gevent.sleep, _REST)))

    def _versions(self) -> dict[str, str]:
        names = ("gevent", "locust", "rtls")
        found = {name: version(name) for name in names}
        return found | {
            "generator tls library": rtls.OPENSSL_VERSION,
            "generator tls": self.transport.tls,
        }


def _unheard(*_: object) -> None:
    """Tell nobody of a request."""


def _stolen_seconds() -> float:
    """Return how long the cores of this machine had to wait while others ran on them.

    That is `steal` of proc_stat(5), over all cores: on a virtual machine, what its hypervisor
    gave to others.
    """
    with Path("/proc/stat").open(encoding="ascii") as file:
        return int(file.readline().split()[_STEAL]) / _TICKS


def _kernel_bytes(file: str, name: str) -> int:
    """Return what Linux says of this process's memory in a file of /proc/self, in bytes.

    `ru_maxrss` would be simpler, and is inherited from whoever started the process.
    """
    lines = Path("/proc/self", file).read_text(encoding="ascii").splitlines()
    found = next(line for line in lines if line.startswith(name + ":"))
    return int(found.split()[1]) * 1024
