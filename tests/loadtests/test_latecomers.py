"""Latecomers log in all the time, and say of each login when it was and what came of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from loadtests.latecomers import come
from loadtests.requests import Request, Response
from loadtests.world import World
from tests.loadtests.keycloak import PASSWORD
from tests.loadtests.school import School
from tests.loadtests.visit import plan_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.logins import Login


class Wire:
    """Connections to a school in memory."""

    def __init__(self, school: School) -> None:
        self.school = school

    def send(self, request: Request) -> Response:
        return self.school.answer(request)

    def close(self) -> None:
        """Have nothing to close."""


def logins(
    instead: Callable[[Request], Response | None] = lambda _: None, **changes: Any
) -> list[Login]:
    world = World(plan_of("exam", **changes), PASSWORD, time.monotonic)
    school = School(instead=instead)
    return list(come(world, lambda: Wire(school), every=0.01, seconds=0.2))


def test_the_pupils_of_the_exam_come_one_after_the_other_and_from_the_first_again() -> None:
    came = logins(pupils=2)
    assert len(came) > 2
    assert [one.pupil for one in came] == [n % 2 for n in range(len(came))]
    assert {one.cause for one in came} == {""}
    assert all(one.sent <= one.ended for one in came)


def test_a_login_that_fails_is_told_with_its_cause_and_keeps_nobody_from_coming() -> None:
    seen: list[Request] = []

    def away(request: Request) -> Response | None:
        seen.append(request)
        return Response(503) if len(seen) < 3 else None

    causes = [one.cause for one in logins(away)]
    assert causes[:2] == ["login_page: 503"] * 2
    assert set(causes[2:]) == {""}
