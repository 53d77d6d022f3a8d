"""Sends what a benchmark asks for: `python -m loadtests.probe` on a load generator's host.

The first line of standard input is an `Errand` as JSON, each further one an `Order`, which is
answered by one line, a `Told`. It ends with its input. Who has signed in stays so, at every cell.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from gevent.pool import Pool
from pydantic import Field

from klokken.document import Document
from klokken.retries import Retries
from loadtests import drive, listing
from loadtests.errand import Errand
from loadtests.pupil import Desk
from loadtests.record import Recorder
from loadtests.session import Session
from loadtests.steps import Unexpected

if TYPE_CHECKING:
    from loadtests.drive import Drive
    from loadtests.pupil import Connection
    from loadtests.requests import Request, Response
    from loadtests.steps import Journey
    from loadtests.transport import Transport
    from loadtests.world import World

DOCUMENT = "Måling.txt"
DOCUMENT_BYTES = 20_000
# A request that fails is a finding here, and not to be hidden by another attempt.
_ONCE = Retries(attempts=1)

Doing: TypeAlias = Literal["sign_in", "first_login", "drives", "home", "put", "get"]


class Order(Document):
    """One request for each of `accounts`, `parallel` at a time, to the cell of this number.

    Who comes alone (`parallel` 1) finds a connection open; the others each open their own.
    """

    do: Doing
    accounts: list[int]
    cell: Annotated[int, Field(ge=1)] = 1
    parallel: Annotated[int, Field(ge=1, le=64)] = 1


class Told(Document):
    """What came of an order: the seconds of each request that succeeded, failures by cause."""

    seconds: list[float]
    causes: dict[str, int]


class Prober:
    """Obeys orders and keeps what the next ones need: sessions, spaces, a connection."""

    def __init__(self, world: World, transport: Transport) -> None:
        """Begin with nobody signed in."""
        self._world = world
        self._transport = transport
        self._alone = _Kept(transport.connection())
        self._sessions: dict[int, Session] = {}
        self._spaces: dict[tuple[int, int], Drive] = {}

    def obey(self, order: Order) -> Told:
        """Do what `order` says; whatever fails is told as a cause."""
        seconds: list[float] = []
        causes: Counter[str] = Counter()

        def heard(name: str, _method: str, spent: float, _size: int, cause: str | None) -> None:
            if cause:
                causes[f"{name}: {cause}"] += 1
            elif name == order.do:
                seconds.append(round(spent, 6))

        desk = Desk(
            connect=self._transport.connection if order.parallel > 1 else lambda: self._alone,
            journey=partial(self._journey, order),
            recorder=Recorder(),
            clock=time.monotonic,
            patience=None,
            listener=heard,
            retries=_ONCE,
        )
        pool = Pool(order.parallel)
        for account in order.accounts:
            pool.spawn(_attend, desk, account)
        pool.join(raise_error=True)
        return Told(seconds=seconds, causes=dict(causes))

    def _journey(self, order: Order, account: int) -> Journey:
        if order.do == "sign_in":
            entering = Session(self._world, self._world.person(account), patient=True)
            yield from entering.sign_in()
            self._sessions[account] = entering
            return
        session, origin = self._sessions.get(account), self._world.cells[order.cell - 1]
        if session is None:
            raise Unexpected("not signed in")
        if order.do in {"first_login", "drives"}:
            found = yield from session.ask(order.do, drive.drives(origin), drive.drive)
            self._spaces[account, order.cell] = found
            return
        space = self._spaces.get((account, order.cell))
        if space is None:
            raise Unexpected("no drive")
        target = space.at(DOCUMENT)
        match order.do:
            case "home":
                asked = drive.properties(origin, space.root + "/", 1)
                yield from session.ask(order.do, asked, listing.entries)
            case "put":
                asked = drive.put(origin, target, _text(account), "")
                yield from session.ask(order.do, asked, drive.stored)
            case "get":
                whole = partial(drive.length, expected=DOCUMENT_BYTES)
                yield from session.ask(order.do, drive.get(origin, target), whole)


class _Kept:
    """A connection that outlasts who uses it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, request: Request) -> Response:
        return self._connection.send(request)

    def close(self) -> None:
        """Leave it open."""


def _attend(desk: Desk, account: int) -> None:
    # Due when its turn has come: the queue in here is not the site's.
    desk.attend(account, time.monotonic())


def _text(account: int) -> bytes:
    """Return a document that differs each time."""
    drawn = hashlib.shake_256(f"{account} {time.time_ns()}".encode())
    return drawn.hexdigest(DOCUMENT_BYTES // 2).encode()


def probe() -> None:
    """Obey every order of standard input."""
    prober = Prober(*Errand.model_validate_json(sys.stdin.readline()).site())
    for line in iter(sys.stdin.readline, ""):
        told = prober.obey(Order.model_validate_json(line))
        sys.stdout.write(told.model_dump_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    probe()
