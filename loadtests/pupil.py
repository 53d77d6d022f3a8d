"""A pupil of a storm: drives a journey over a transport, and records what comes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, Protocol

import gevent

from klokken.people import drawn
from klokken.record import INTERNAL, WORKER_STOPPED
from klokken.retries import Retries
from loadtests.logbook import attempted
from loadtests.record import ABANDONED, TIMEOUT, Recorder
from loadtests.steps import (
    GAVE_UP,
    Ask,
    AsOf,
    Busy,
    Found,
    LeftOut,
    Meant,
    Pause,
    Think,
    Unanswered,
    Unexpected,
    Wait,
)

if TYPE_CHECKING:
    from klokken.people import Temper
    from loadtests.requests import Request, Response
    from loadtests.steps import Journey, Step

log = logging.getLogger(__name__)

# Seconds after which the edge closes a connection that nobody uses.
KEPT_OPEN = 60.0
# The drive is not done with what it was just given; no failure, and answered by asking again.
_NOT_YET = 425
_TOO_MANY = 429
_SERVER_ERRORS = range(500, 600)


class Abandoned(Exception):  # noqa: N818 - what a pupil did, and no error of ours
    """The pupil has waited enough and leaves; no journey can go on from there."""


class Stopped(gevent.GreenletExit):  # type: ignore[misc]  # gevent ships no types
    """The worker is stopped before the storm is over, which is no doing of the site."""


class Connection(Protocol):
    """What can answer a request."""

    def send(self, request: Request) -> Response:
        """Return the response, or raise Unanswered."""

    def close(self) -> None:
        """Give up the connection."""


# Told of every request: its class and method, seconds since it was intended, the length of the
# response in bytes, and the cause of its failure.
Listener = Callable[[str, str, float, int, str | None], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """All that pupils of one worker share: how they connect, and who writes it down.

    `clock` gives seconds since the storm's `opens`, which was at the Unix time `opened`.
    `temper` tells what the person of a number is like. Without it nobody thinks, and everybody
    waits for `patience` seconds on the whole journey; where that is None, too, every single
    request has the time that `retries` gives one. What their clients draw follows from `seed`.
    """

    connect: Callable[[], Connection]
    journey: Callable[[int], Journey]
    recorder: Recorder
    clock: Callable[[], float]
    patience: float | None
    listener: Listener
    retries: Retries = field(default_factory=Retries)
    temper: Callable[[int], Temper] | None = None
    opened: float = 0.0
    seed: int = 0
    sleep: Callable[[float], object] = gevent.sleep
    parks: float = inf

    def attend(self, pupil: int, due: float) -> Visit | None:
        """Take one pupil through the journey. Never raises; everything is recorded.

        A visit that waits for longer than the desk `parks`, in seconds, is given back for `go_on`
        to take up at the second that it waits `until`. Such a visit needs no greenlet.
        """
        start = self.clock()
        self.recorder.started(due, start)
        temper = self.temper(pupil) if self.temper else None
        patience = temper.patience if temper else self.patience
        leaves = None if patience is None else start + patience
        journey = self.journey(pupil)
        connection = self.connect()
        visit = Visit(self, journey, connection, temper, leaves, due, start, due, start, pupil)
        return self.go_on(visit)

    def go_on(self, visit: Visit) -> Visit | None:
        """Take a visit to its end, or until it waits again and is given back."""
        cause: str | None = None
        try:
            if not visit.go():
                return visit
        except (Unexpected, Unanswered) as finding:
            cause = str(finding)
        except Abandoned:
            cause = ABANDONED
        except gevent.GreenletExit as over:
            cause = _ended(over)
        except Exception:
            log.exception("a pupil's journey broke in the load generator itself")
            cause = INTERNAL
        self._end(visit, cause)
        return None

    def stop(self, visit: Visit, cause: str) -> None:
        """End a visit that was given back, since the storm is over or its worker is stopped."""
        visit.waited()
        self._end(visit, cause)

    def _end(self, visit: Visit, cause: str | None) -> None:
        visit.connection.close()
        end = visit.end if cause is None else self.clock()
        failure = None if cause is None else (visit.name, cause)
        self.recorder.finished(visit.due, visit.start, end, failure, visit.thought)


@dataclass(slots=True, eq=False)
class Visit:
    """One pupil's way through a journey; `intended` is when the next request was meant to go.

    The pupil `leaves` at a second of the storm, which every second it has `thought` puts off.
    It waits `until` a second of the storm; where it is thinking, it began to at `ponders`.
    """

    desk: Desk
    journey: Journey
    connection: Connection
    temper: Temper | None
    leaves: float | None
    due: float
    start: float
    intended: float
    end: float
    pupil: int
    name: str = ""
    thought: float = 0.0
    thoughts: int = 0
    pauses: int = 0
    until: float | None = None
    ponders: float | None = None

    def go(self) -> bool:
        """Take every step of the journey; return whether it ended, else it waits for long."""
        advance: Callable[[], Step] = partial(self.journey.send, None)
        if self.until is not None:
            self._sleep()
        while True:
            try:
                step = advance()
            except StopIteration:
                return True
            if isinstance(step, Wait | Think):
                self._wait(step)
                if self.until is not None and self._ahead() > self.desk.parks:
                    return False
                self._sleep()
                advance = partial(self.journey.send, None)
                continue
            try:
                advance = partial(self.journey.send, self._take(step))
            except (Unexpected, Unanswered) as finding:
                advance = partial(self.journey.throw, finding)

    def _take(self, step: Ask | Pause | Found | Meant | AsOf | LeftOut) -> Any:
        match step:
            case Ask():
                return self._ask(step)
            case Pause():
                return self._pause(step.name, step.attempt, person=step.person)
            case Found():
                told = attempted(
                    step.draft, self.desk.opened, self.end, self.end, status=200, etag=step.etag
                )
                return self.desk.recorder.wrote(told)
            case Meant():
                # A thought on the way is no latency, so the moment is told without any.
                return self.intended - self.thought
            case AsOf():
                self.intended = step.moment + self.thought
            case LeftOut():
                self.desk.recorder.left_out(step.name)
        return None

    def _wait(self, step: Wait | Think) -> None:
        """Begin to wait; who has nothing to think about does not."""
        if isinstance(step, Wait):
            self.until = step.until
        elif self.temper is not None:
            self.ponders = self.desk.clock()
            self.until = self.ponders + self.temper.think(self.thoughts)
            self.thoughts += 1
        else:
            return
        # Also in the past: that the site kept the pupil busy with else moves no intention.
        self.intended = self.until
        ahead = self._ahead()
        if ahead > KEPT_OPEN:
            self.connection.close()
        if ahead < 0:
            self.waited()

    def _ahead(self) -> float:
        """Return the seconds that are still to be waited."""
        return 0.0 if self.until is None else self.until - self.desk.clock()

    def _sleep(self) -> None:
        """Wait for what is left of it."""
        try:
            if (ahead := self._ahead()) > 0:
                self.desk.sleep(ahead)
            if self.until is not None:
                self.desk.recorder.woke(self.until, self.desk.clock())
        finally:
            self.waited()

    def waited(self) -> None:
        """End the wait, and a thought with it; a storm that ends meanwhile ends both."""
        if self.ponders is not None and self.until is not None:
            done = min(self.until, self.desk.clock()) - self.ponders
            self.thought += done
            if self.leaves is not None:
                self.leaves += done
        self.until = self.ponders = None

    def _pause(self, name: str, attempt: int, *, person: bool) -> None:
        if self.temper and person:
            length = self.temper.pause(self.pauses, attempt)
        else:
            jitter = drawn("client pause", self.desk.seed, self.pupil, self.pauses)
            length = self.desk.retries.pause(attempt, jitter)
        self.pauses += 1
        left = self._left()
        if left is not None and left <= length:
            self.desk.sleep(left)
            raise Abandoned
        self.desk.recorder.retried(name)
        until = self.desk.clock() + length
        self.desk.sleep(length)
        self.intended = self.desk.clock()
        self.desk.recorder.woke(until, self.intended)

    def _left(self) -> float | None:
        """Return the seconds of waiting that the pupil has left; None without an end."""
        return None if self.leaves is None else max(0.0, self.leaves - self.desk.clock())

    def _ask(self, step: Ask) -> Any:
        """Send a request until it is answered, or as often as a client does."""
        attempts = self.desk.retries.attempts if step.again else 1
        intended = self.intended
        for attempt in range(attempts):
            last = attempt + 1 == attempts
            try:
                value = self._attempt(step, intended, last=last, again=attempts > 1)
            except (Busy, Unanswered) as finding:
                if attempts == 1:
                    raise
                if last:
                    raise Unexpected(f"{GAVE_UP}: {finding}") from None
            else:
                # What follows a response is closed by nature: it is intended when it is sent.
                self.intended = self.desk.clock()
                return value
            self._pause(step.name, attempt, person=False)
        raise AssertionError("a request has at least one attempt")

    def _attempt(self, step: Ask, intended: float, *, last: bool, again: bool) -> Any:
        """Send a request once, record it, and return what the journey reads from the response.

        The cause of the `last` attempt of a request that is sent `again` says that it gave up.
        """
        desk, self.name = self.desk, step.name
        sent, response, cause, value = desk.clock(), None, None, None
        try:
            with self._limit(step):
                response = self.connection.send(step.request)
            self.end = desk.clock()
            value = _read(step, response)
            self.name = step.named(value) if step.named else step.name
        except (Unexpected, Unanswered) as finding:
            cause = _cause(finding, gave_up=last and again)
            raise
        except Abandoned:
            cause = ABANDONED
            raise
        except gevent.GreenletExit as over:
            cause = _ended(over)
            raise
        except Exception:
            cause = INTERNAL
            raise
        finally:
            self.end = self.end if response else desk.clock()
            if last or response is None or response.status != _NOT_YET:
                desk.recorder.request(self.name, intended, sent, self.end, cause)
                size = response.length if response else 0
                desk.listener(self.name, step.request.method, self.end - intended, size, cause)
            if step.draft:
                status = response.status if response else None
                etag = str(value) if cause is None else ""
                told = attempted(step.draft, desk.opened, sent, self.end, status=status, etag=etag)
                desk.recorder.wrote(told)
        return value

    def _limit(self, step: Ask) -> gevent.Timeout:
        """Return what ends one attempt: its own time, or the pupil's patience before that."""
        desk, left = self.desk, self._left()
        if self.temper and not step.again:
            limit = self.temper.timeout
        elif step.again or left is None:
            limit = desk.retries.timeout_seconds
        else:
            return gevent.Timeout(left, Abandoned())
        if left is not None and left <= limit:
            return gevent.Timeout(left, Abandoned())
        return gevent.Timeout(limit, Unanswered(TIMEOUT))


def _ended(over: gevent.GreenletExit) -> str:
    """Return the cause of an end from outside: at the storm's own, the pupil has waited to it."""
    return WORKER_STOPPED if isinstance(over, Stopped) else TIMEOUT


def _read(step: Ask, response: Response) -> Any:
    """Return what the journey makes of the response, unless that asks to come again."""
    status = response.status
    # Only what a client sends by itself can be asked for again too early.
    if status in _SERVER_ERRORS or status == _TOO_MANY or (step.again and status == _NOT_YET):
        raise Busy(str(status))
    return step.read(response)


def _cause(finding: Unexpected | Unanswered, *, gave_up: bool) -> str:
    """Return the cause of a failed attempt, the last one before the client `gave_up` or not."""
    over = gave_up and isinstance(finding, Busy | Unanswered)
    return f"{GAVE_UP}: {finding}" if over else str(finding)
