"""A site that stalls: what a storm tells of it, and what a loop of a few users would have told."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import gevent
import numpy as np
import pytest

from klokken import histogram, population
from klokken.storm.attendance import Attendance
from loadtests.arrivals import Arrivals
from loadtests.journeys import journey
from loadtests.pupil import Desk
from loadtests.record import Recorder
from loadtests.settings import Settings
from loadtests.transport import Transport, tls_context
from loadtests.worker import StormClock
from loadtests.world import World
from tests.loadtests.double import Double
from tests.loadtests.keycloak import PASSWORD
from tests.loadtests.rehearsal import plan_for

if TYPE_CHECKING:
    from klokken.results import Latency
    from loadtests.record import Delta
    from loadtests.requests import Request, Response

pytestmark = pytest.mark.slow

RATE, LENGTH, STALL = 10, 8, 2.0
DUE = np.arange(RATE * LENGTH) / RATE
# Users of the closed loop, who together would keep the same rate.
POOL = 2


@dataclass
class Told:
    """What storm and loop recorded; `above` are waits of more than a second,
    `waits` what the site itself knows of each pupil.

    `stalled` is from when to when the site was silent, in seconds of the storm.
    """

    storm: Latency
    above: int
    loop: Latency
    loop_above: int
    waits: list[float]
    stalled: tuple[float, float]


def distribution(delta: Delta, kind: str) -> tuple[Latency, int]:
    """Return the distribution of whole logins, and how many took more than a second."""
    merged = histogram.merged(h for _, name, k, h in delta["spans"] if (name, k) == ("login", kind))
    found = merged.get_recorded_iterator()
    above = (v.count_at_value_iterated_to for v in found if v.value_iterated_to > 1_000_000)
    return histogram.latency(merged), sum(above)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("stall")
    answered: dict[str, float] = {}

    def note(request: Request) -> Response | None:
        code = parse_qs(request.body.decode()).get("code")
        if code:
            answered[json.loads(code[0])[0]] = time.monotonic()
        return None

    with Double(folder, stall_at=2 * RATE * 3, stall_seconds=STALL) as site:
        site.school.instead = note
        plan = plan_for(site, pupils=2 * len(DUE))
        targets = Settings({"KLOKKEN_ALLOWED": "127.0.0.1"}).targets(plan)
        connect = Transport(targets, tls_context(site.ca_file)).connection
        zero = time.monotonic() + 0.2
        clock = StormClock(time.time() + 0.2)
        world = World(plan, PASSWORD, clock)
        storm, loop = Recorder(), Recorder()
        desks = [
            Desk(connect, partial(journey, world), recorder, clock, 60.0, lambda *_: None)
            for recorder in (storm, loop)
        ]
        users = [gevent.spawn(_use, desks[1], clock, user) for user in range(POOL)]
        attendance = Attendance(np.arange(len(DUE)), DUE)
        Arrivals(attendance, desks[0].attend, storm, clock, last=90.0).run()
        gevent.joinall(users, raise_error=True)
    names = [population.pupil(n, 2).username for n in range(len(DUE))]
    began, ended = site.stalled
    seen, above = distribution(storm.take(clock(), final=True), "intended")
    closed, loop_above = distribution(loop.take(clock(), final=True), "service")
    return Told(
        storm=seen,
        above=above,
        loop=closed,
        loop_above=loop_above,
        waits=[answered[n] - zero - due for n, due in zip(names, DUE, strict=True)],
        stalled=(began - zero, ended - zero),
    )


def _use(desk: Desk, clock: StormClock, user: int) -> None:
    """Log in again and again, at its share of the rate where the site keeps up."""
    number = len(DUE) + user
    while (begun := clock()) < LENGTH:
        if begun >= 0:
            desk.attend(number, begun)
            number += POOL
        gevent.sleep(max(0.01, begun + POOL / RATE - clock()))


def test_each_pupil_due_in_a_stall_waits_for_its_end(told: Told) -> None:
    began, ended = told.stalled
    first = DUE[(began <= DUE) & (ended > DUE)][0]
    assert told.storm.count == len(DUE)
    assert told.storm.max >= ended - first > STALL - 1.5 / RATE


def test_as_many_pupils_are_told_to_have_waited_as_the_site_let_wait(told: Told) -> None:
    began, ended = told.stalled
    due = int(((began <= DUE) & (ended - 1.0 > DUE)).sum())
    assert due >= RATE * (STALL - 1.0) - 1
    assert due <= sum(wait > 1.0 for wait in told.waits) <= told.above
    # What lies between the site's answer and the pupil's having it is the machine's.
    assert told.above <= sum(wait > 0.5 for wait in told.waits)


def test_the_percentiles_are_no_better_than_what_the_site_knows(told: Told) -> None:
    ours = (told.storm.p50, told.storm.p95, told.storm.p99)
    for seen, share in zip(ours, (0.5, 0.95, 0.99), strict=True):
        assert seen >= sorted(told.waits)[int(share * len(DUE)) - 1] * 0.999


def test_a_closed_loop_would_have_left_the_stall_out(told: Told) -> None:
    # Each of its users waits for the stall once, and then for nobody who came meanwhile.
    assert told.loop_above / told.loop.count < told.above / told.storm.count
