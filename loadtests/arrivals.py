"""The arrival loop of one worker: every pupil begins when due, whatever the others wait for.

Arrivals are open: the loop sleeps until the next pupil is due and gives it a greenlet, never
waiting for one to finish. A pupil not yet due is sixteen bytes in two arrays; one who waits for
long inside its journey is a generator and a timer, and gets another greenlet when it goes on.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import gevent
from gevent.pool import Group

from klokken.record import WORKER_STOPPED
from klokken.storm.fleet import MOST_BUSY
from loadtests.pupil import Stopped
from loadtests.record import TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.storm.attendance import Attendance
    from loadtests.pupil import Visit
    from loadtests.record import Recorder

# Seconds after the last pupil's time has ended until what is left is stopped.
MARGIN = 5.0

NOT_BEGUN = "not begun in time"
TOO_MANY = "too many pupils busy in one worker"


@dataclass(slots=True)
class Arrivals:
    """Begins each pupil of an attendance at the moment it is due.

    `attend` takes a pupil's number and due time, and runs in a greenlet of its own; a visit that
    it gives back is gone on with when it has waited. `clock` gives seconds since the storm's
    `opens`; nothing goes on later than `last` on that clock.
    """

    attendance: Attendance
    attend: Callable[[int, float], Visit | None]
    recorder: Recorder
    clock: Callable[[], float]
    last: float
    most_busy: int = MOST_BUSY
    sleep: Callable[[float], object] = gevent.sleep
    _busy: Group = field(default_factory=Group)
    # Pupils whose greenlet exists and has not run yet, so that none is lost in between.
    _beginning: dict[int, float] = field(default_factory=dict)
    # Visits that wait; their greenlets have not begun to run, and so have no stack.
    _waiting: set[Visit] = field(default_factory=set)
    _next: int = 0

    def run(self) -> None:
        """Ring the bell: return when every pupil is done, dropped or out of time.

        Where the greenlet that runs this is killed, the pupils are stopped and counted before
        the kill goes on.
        """
        try:
            self._begin_all()
            self._busy.join(timeout=max(0.0, self.last - self.clock()))
        except BaseException:
            self._stop(Stopped, WORKER_STOPPED, WORKER_STOPPED)
            raise
        self._stop(gevent.GreenletExit, TIMEOUT, NOT_BEGUN)

    def _begin_all(self) -> None:
        while self._next < len(self.attendance):
            due = float(self.attendance.due[self._next])
            while (ahead := due - self.clock()) > 0:
                self.sleep(ahead)
            if self.clock() >= self.last:
                return
            self._begin(int(self.attendance.pupils[self._next]), due)
            self._next += 1

    def _begin(self, pupil: int, due: float) -> None:
        self.recorder.offered(due)
        if len(self._busy) - len(self._waiting) >= self.most_busy:
            self.recorder.dropped(due, TOO_MANY)
            return
        self._beginning[pupil] = due
        self._busy.spawn(self._run_one, pupil, due)

    def _run_one(self, pupil: int, due: float) -> None:
        del self._beginning[pupil]
        self._park(self.attend(pupil, due))

    def _park(self, visit: Visit | None) -> None:
        """Have a visit that waits go on in time; without one, do nothing."""
        if visit is None or visit.until is None:
            return
        self._waiting.add(visit)
        ahead = max(0.0, visit.until - self.clock())
        self._busy.add(gevent.spawn_later(ahead, self._go_on, visit))

    def _go_on(self, visit: Visit) -> None:
        self._waiting.remove(visit)
        self._park(visit.desk.go_on(visit))

    def _stop(self, how: type[gevent.GreenletExit], begun: str, not_begun: str) -> None:
        """End what is busy or waits, and drop whom no greenlet has begun, with their causes."""
        self._busy.kill(how, block=True, timeout=MARGIN)
        for visit in self._waiting:
            visit.desk.stop(visit, begun)
        self._waiting.clear()
        for due in self._beginning.values():
            self.recorder.dropped(due, not_begun)
        self._beginning.clear()
        for due in self.attendance.due[self._next :]:
            self.recorder.offered(float(due))
            self.recorder.dropped(float(due), not_begun)
        self._next = len(self.attendance)
