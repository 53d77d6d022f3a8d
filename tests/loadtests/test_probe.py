"""The probe of a benchmark sends what it is asked for, and says what became of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from loadtests.probe import DOCUMENT, DOCUMENT_BYTES, Order, Prober
from loadtests.requests import Request, Response
from loadtests.world import World
from tests.loadtests.keycloak import PASSWORD
from tests.loadtests.school import School
from tests.loadtests.visit import plan_of

if TYPE_CHECKING:
    from loadtests.probe import Doing, Told

PEOPLE = [0, 1, 2]


class Wire:
    """Connections to a school in memory, counted."""

    def __init__(self, school: School) -> None:
        self.school, self.opened = school, 0

    def connection(self) -> Wire:
        self.opened += 1
        return self

    def send(self, request: Request) -> Response:
        return self.school.answer(request)

    def close(self) -> None:
        """Have nothing to close."""


class Asked:
    """A prober of a school."""

    def __init__(self, **school: Any) -> None:
        self.school = School(**school)
        self.wire = Wire(self.school)
        world = World(plan_of("morning"), PASSWORD, time.monotonic)
        self.prober = Prober(world, self.wire)  # type: ignore[arg-type] # all of it that is used

    def do(self, what: Doing, cell: int = 1, parallel: int = 1) -> Told:
        return self.prober.obey(Order(do=what, cell=cell, accounts=PEOPLE, parallel=parallel))


def test_one_login_serves_both_cells() -> None:
    asked = Asked()
    asked.do("sign_in", parallel=4)
    for cell in (1, 2):
        told = asked.do("first_login", cell=cell, parallel=4)
        assert (len(told.seconds), told.causes) == (3, {})
    assert len(asked.school.keycloak.logins) == 3
    assert [len(cell.accounts) for cell in asked.school.cells.values()] == [3, 3]


def test_each_request_is_sent_once_an_account_and_timed() -> None:
    asked = Asked()
    asked.do("sign_in")
    what: list[Doing] = ["first_login", "drives", "home", "put", "get"]
    for cell in (1, 2):
        for request in what:
            asked.school.seen.clear()
            told = asked.do(request, cell=cell)
            assert (len(told.seconds), told.causes) == (3, {})
            assert len(asked.school.seen) == 3
    for there in asked.school.cells.values():
        assert {path for _, path in there.documents} == {DOCUMENT}
        assert {len(body) for body, _ in there.documents.values()} == {DOCUMENT_BYTES}


def test_who_comes_alone_finds_a_connection_open() -> None:
    asked = Asked()
    asked.do("sign_in")
    assert asked.wire.opened == 1
    asked.do("first_login", parallel=4)
    assert asked.wire.opened == 1 + len(PEOPLE)


def test_a_failure_is_told_and_not_tried_again() -> None:
    asked = Asked()
    asked.do("sign_in")
    asked.school.instead = lambda r: Response(503) if r.target.startswith("/graph") else None
    asked.school.seen.clear()
    told = asked.do("first_login")
    assert (told.seconds, told.causes) == ([], {"first_login: 503": 3})
    assert len(asked.school.seen) == 3


@pytest.mark.parametrize("what", ["drives", "home", "get"])
def test_who_is_not_signed_in_asks_nothing(what: Doing) -> None:
    asked = Asked()
    assert asked.do(what).seconds == []
    assert asked.school.seen == []
