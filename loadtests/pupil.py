"""A pupil at the login: drives a journey over a transport, and records what comes of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import gevent

from klokken.record import INTERNAL
from loadtests.answers import Unexpected
from loadtests.record import TIMEOUT, Recorder
from loadtests.requests import Request, Response
from loadtests.transport import ConnectionFailed

if TYPE_CHECKING:
    from loadtests.journeys import Journey

log = logging.getLogger(__name__)


class Connection(Protocol):
    """What can answer a request."""

    def send(self, request: Request) -> Response:
        """Return the response, or raise ConnectionFailed."""

    def close(self) -> None:
        """Give up the connection."""


# Told of every request: its class and method, seconds since it was intended, the length of the
# response in bytes, and the cause of its failure.
Listener = Callable[[str, str, float, int, str | None], None]


@dataclass(frozen=True, slots=True)
class Desk:
    """All that pupils of one worker share: how they connect, and who writes it down.

    `clock` gives seconds since the storm's `opens`; `patience` is how long a pupil waits for
    the whole journey, in seconds.
    """

    connect: Callable[[], Connection]
    journey: Callable[[int], Journey]
    recorder: Recorder
    clock: Callable[[], float]
    patience: float
    listener: Listener

    def attend(self, pupil: int, due: float) -> None:
        """Take one pupil through the journey. Never raises; everything is recorded."""
        start = self.clock()
        self.recorder.started(due, start)
        connection = self.connect()
        progress = _Progress(intended=due, sent=start)
        try:
            with gevent.Timeout(self.patience):
                self._go(self.journey(pupil), connection, progress)
        except (Unexpected, ConnectionFailed) as finding:
            self._fail(progress, str(finding))
        except (gevent.Timeout, gevent.GreenletExit):
            # The exit comes when the storm is over; that pupil, too, has waited to the end.
            self._fail(progress, TIMEOUT)
        except Exception:
            log.exception("a pupil's journey broke in the load generator itself")
            self._fail(progress, INTERNAL)
        finally:
            connection.close()
        end = progress.end if progress.failure is None else self.clock()
        self.recorder.finished(due, start, end, progress.failure)

    def _go(self, journey: Journey, connection: Connection, progress: _Progress) -> None:
        """Send the requests of `journey` until it ends."""
        progress.name, progress.request = next(journey)
        while True:
            response = connection.send(progress.request)
            progress.end = self.clock()
            progress.length = len(response.body)
            try:
                following = journey.send(response)
            except StopIteration:
                self._record(progress, None)
                return
            self._record(progress, None)
            progress.name, progress.request = following
            # What follows a response is closed by nature: it is intended when it is sent.
            progress.intended = progress.sent = self.clock()
            progress.end = progress.length = 0

    def _fail(self, progress: _Progress, cause: str) -> None:
        progress.end = progress.end or self.clock()
        progress.failure = (progress.name, cause)
        self._record(progress, cause)

    def _record(self, progress: _Progress, cause: str | None) -> None:
        now = progress
        self.recorder.request(now.name, now.intended, now.sent, now.end, cause)
        self.listener(now.name, now.request.method, now.end - now.intended, now.length, cause)


@dataclass(slots=True)
class _Progress:
    """How far a journey has come: the request under way, and its times."""

    intended: float
    sent: float
    end: float = 0.0
    length: int = 0
    name: str = ""
    request: Request = field(default_factory=lambda: Request("", ""))
    failure: tuple[str, str] | None = None
