"""A worker by itself: what it does about what Locust does."""

from __future__ import annotations

import gc
import time
from datetime import time as time_of_day
from typing import TYPE_CHECKING

import gevent
import pytest

from klokken.profile import Profile
from klokken.record import WORKER_STOPPED
from klokken.storm.plan import plan_dry_run
from loadtests.null import Null
from loadtests.record import COUNTS
from loadtests.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtests.record import Delta


class Ringing:
    """A worker to whom fifty pupils come in a second, so many seconds from now.

    `told` is what it handed over.
    """

    def __init__(self, begins: float = 0.0) -> None:
        self.plan = plan_dry_run(
            Profile.named("minute"),
            run="a-run",
            closes=time_of_day(8, 0, 50),
            fraction=0.1,
            compression=50.0,
        )
        self.told: list[Delta] = []
        self.worker = Worker(self.plan, Null(self.plan), "", self.told.append, lambda *_: None)
        whole = {"first": 0, "end": self.plan.people, "watched": False}
        self.worker.receive({**whole, "opens_at": time.time() + begins})
        self.user = gevent.spawn(self.worker.ring)
        while not self.told:
            gevent.sleep(0.01)

    def counts(self) -> dict[str, int]:
        return {
            name: sum(n for delta in self.told for _, n in delta["seconds"][name])
            for name in COUNTS
        }


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    """A worker's process has one storm; that of the tests goes on."""
    yield
    gc.unfreeze()


def test_the_bell_rings_on_where_locust_stops_its_user() -> None:
    ringing = Ringing(begins=3.0)
    ringing.user.kill()
    gevent.spawn(ringing.worker.ring).join()
    assert [delta["final"] for delta in ringing.told].index(True) == len(ringing.told) - 1
    counts, offered = ringing.counts(), ringing.plan.offered
    assert counts["offered"] == counts["started"] == counts["completed"] == offered


def test_a_second_user_rings_no_second_time() -> None:
    ringing = Ringing()
    gevent.joinall([ringing.user, gevent.spawn(ringing.worker.ring)])
    assert ringing.counts()["offered"] == ringing.plan.offered
    assert sum(delta["final"] for delta in ringing.told) == 1


def test_a_worker_that_is_stopped_has_told_of_everyone() -> None:
    ringing = Ringing(begins=60.0)
    ringing.worker.stop()
    assert ringing.told[-1]["final"]
    assert ringing.counts()["offered"] == ringing.plan.offered
    assert dict(ringing.told[-1]["dropped"]) == {WORKER_STOPPED: ringing.plan.offered}
