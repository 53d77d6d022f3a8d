"""What a pupil takes that waits inside its journey: `python -m benchmarks.country.waiting`.

A process of its own, since memory once used is not given back: it prints bytes a pupil.
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import gevent
import numpy as np

from klokken.people import LONGEST_WAIT, People, Temper
from klokken.profile import Profile
from klokken.storm.attendance import Attendance
from klokken.storm.plan import plan_dry_run
from loadtests import journeys
from loadtests.arrivals import Arrivals
from loadtests.null import Null
from loadtests.pupil import Desk
from loadtests.record import Recorder
from loadtests.world import World

PUPILS = 4_000
# A wait that outlasts the measurement, in seconds, and the time for all to get there.
LONG, SETTLE = LONGEST_WAIT, 6.0


def pensive() -> People:
    """Return people who think for the whole measurement."""
    people = Profile.named("bavaria").people
    if people is None:
        raise ValueError("the profile bavaria says nothing of its people")
    long = {"value": LONG, "assumed": True, "why": "Longer than the measurement takes."}
    think = {"kind": "uniform", "least_seconds": long, "most_seconds": long}
    return People.model_validate(people.model_dump() | {"think": think})


def main(profile: str, parks: float) -> float:
    """Let PUPILS of `profile` wait; return the bytes that each takes."""
    plan = plan_dry_run(Profile.named(profile), run="waiting")
    hub = gevent.get_hub().loop
    begun = hub.now()

    def clock() -> float:
        return float(hub.now() - begun)

    recorder = Recorder(plan.profile.journey)
    world = World(plan, "of nobody", clock)
    desk = Desk(
        connect=Null(plan).connection,
        journey=partial(journeys.journey, world),
        recorder=recorder,
        clock=clock,
        patience=None,
        listener=lambda *_: None,
        temper=partial(Temper, pensive(), plan.seed),
        parks=parks,
    )
    who = Attendance(np.arange(PUPILS), np.zeros(PUPILS))
    arrivals = Arrivals(who, desk.attend, recorder, clock, LONG, most_busy=PUPILS)
    before = _resident_bytes()
    loop = gevent.spawn(arrivals.run)
    gevent.sleep(SETTLE)
    used = _resident_bytes() - before
    loop.kill(block=False)
    return used / PUPILS


def _resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096


if __name__ == "__main__":
    print(main(sys.argv[1], float(sys.argv[2])))  # noqa: T201 - what it is for
