"""A worker process: waits for its share of the pupils, rings the bell for it, and reports."""

from __future__ import annotations

import gc
import resource
import time
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import gevent
import rtls
from gevent.event import AsyncResult

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
    from loadtests.pupil import Listener
    from loadtests.transport import Transport

# The message with which the master gives a worker its pupils, and the one that answers it.
SHARE = "klokken_share"
DELTA = "klokken_delta"
# Seconds to wait for the master's share after Locust has started the worker's one User.
_PATIENCE_FOR_SHARE = 60.0


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
    transport: Transport
    password: str
    send: Callable[[Delta], None]
    listener: Listener
    _share: AsyncResult = field(default_factory=AsyncResult)
    _taken: bool = False

    def receive(self, share: dict[str, Any]) -> None:
        """Take the master's message: `first` and `end` of the pupils, and `opens_at`."""
        self._share.set(share)

    def ring(self) -> None:
        """Let every pupil of the share arrive; return when that is reported.

        Only the first call does anything: should Locust start a second User here because
        another worker was lost, the bell must not ring twice.
        """
        if self._taken:
            return
        self._taken = True
        share = self._share.get(timeout=_PATIENCE_FOR_SHARE)
        clock = StormClock(share["opens_at"])
        recorder = Recorder(self.plan.profile.journey)
        arrivals = self._arrivals(share, recorder, clock)
        # What exists by now lives as long as the storm; the collector need not look at it
        # again, which it would do at the worst moments.
        gc.collect()
        gc.freeze()
        reporter = gevent.spawn(self._report, recorder, clock)
        try:
            arrivals.run()
        finally:
            reporter.kill()
            self.send(recorder.take(clock(), final=True) | {"versions": self._versions()})

    def _arrivals(
        self, share: dict[str, Any], recorder: Recorder, clock: Callable[[], float]
    ) -> Arrivals:
        plan = self.plan
        world = World(plan, self.password, clock)
        desk = Desk(
            connect=self.transport.connection,
            journey=partial(journeys.journey, world),
            recorder=recorder,
            clock=clock,
            patience=None if plan.profile.exam else plan.patience_seconds,
            listener=self.listener,
            retries=plan.retries,
            opened=share["opens_at"],
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
        then, used = clock(), time.process_time()
        while True:
            gevent.sleep(1.0)
            now, use = clock(), time.process_time()
            recorder.used((use - used) / (now - then), _memory_bytes())
            then, used = now, use
            self.send(recorder.take(now))

    def _versions(self) -> dict[str, str]:
        names = ("gevent", "locust", "rtls")
        found = {name: version(name) for name in names}
        return found | {
            "generator tls library": rtls.OPENSSL_VERSION,
            "generator tls": self.transport.tls,
        }


def _memory_bytes() -> int:
    """Return the most memory this process has held, which Linux counts in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
