"""People on their way through a journey: they think, load a page again, and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from klokken.profile import Profile
from loadtests.requests import Request, Response
from tests.loadtests.visit import Visit, plan_of, profile_of

if TYPE_CHECKING:
    from collections.abc import Callable


def people(*, think: float = 5.0, patience: float = 60.0, attempts: int = 4) -> dict[str, Any]:
    """Return people who all think and wait for the same time."""

    def figure(value: float) -> dict[str, Any]:
        return {"value": value, "source": "a test"}

    def always(value: float) -> dict[str, Any]:
        return {
            "kind": "uniform",
            "least_seconds": figure(value),
            "most_seconds": figure(value),
        }

    again = {"attempts": attempts, "timeout_seconds": 9.0, "first_seconds": 2.0}
    return {
        "think": always(think),
        "patience": always(patience),
        "again": {name: figure(v) for name, v in {**again, "most_seconds": 4.0}.items()},
    }


def visit(journey: str = "login", **changes: Any) -> Visit:
    body = profile_of(journey).model_dump() | {"people": people(**changes)}
    found = Visit(plan_of(journey, profile=Profile.model_validate(body)))
    found.school.seed(range(1))
    return found


def first(count: int, response: Response) -> Callable[[Request], Response | None]:
    """Give `response` to the first requests for a login page."""
    left = [response] * count

    def instead(request: Request) -> Response | None:
        mine = request.method == "GET" and "/auth?" in request.target
        return left.pop() if mine and left else None

    return instead


def counted(found: Visit) -> dict[str, int]:
    return {name: sum(n for _, n in by) for name, by in found.delta["seconds"].items() if by}


def test_time_to_think_is_recorded_and_is_no_latency() -> None:
    found = visit(think=5.0).run()
    assert found.now == pytest.approx(5.3)
    assert found.longest("login") == pytest.approx(0.3, rel=1e-3)
    assert found.longest("login", "service") == pytest.approx(0.3, rel=1e-3)
    assert found.longest("password") == pytest.approx(0.1, rel=1e-3)
    assert found.longest("login", "think") == pytest.approx(5.0, rel=1e-3)


def test_a_morning_is_thought_about_between_the_pages_that_are_seen() -> None:
    found = visit("morning", think=5.0).run()
    assert found.ok["morning"] == 1
    # After the portal and the login page, at home, and before what was opened is saved.
    assert found.longest("morning", "think") == pytest.approx(20.0, rel=1e-3)
    assert found.longest("morning") == pytest.approx(0.8, rel=1e-3)


def test_nobody_who_only_thinks_runs_out_of_patience() -> None:
    found = visit(think=100.0, patience=5.0)
    lost = [True]
    found.school.lost = lambda r: b"password=" in r.body and bool(lost) and lost.pop()
    found.run()
    assert found.retries == {"login_page": 1}
    assert found.ok["login"] == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_who_is_turned_away_loads_the_login_page_again(status: int) -> None:
    found = visit()
    found.school.instead = first(2, Response(status))
    found.run()
    assert found.ok == {"login_page": 1, "password": 1, "token": 1, "login": 1}
    assert found.failures == {("login_page", str(status)): 2}
    assert found.retries == {"login_page": 2}
    assert counted(found) == {"offered": 1, "started": 1, "completed": 1}


def test_latency_counts_from_when_the_pupil_was_due_with_every_attempt_in_it() -> None:
    found = visit()
    found.school.instead = first(2, Response(503))
    found.run()
    # Two refusals, pauses of 1 to 2 s and 2 to 4 s, and three answers.
    assert 3.5 <= found.longest("login") <= 6.5
    assert found.longest("login") == pytest.approx(found.now - 5.0, rel=1e-3)


def test_thoughts_and_pauses_are_waits_whose_end_the_generator_may_miss() -> None:
    found = visit()
    found.school.instead = first(2, Response(503))
    found.run()
    # Two pauses before the page is there, and a thought before the form is sent.
    woken = found.latency("wake", "lateness")
    assert (woken.count, woken.max) == (3, 0.0)


def test_a_lost_answer_to_the_password_begins_the_login_anew() -> None:
    found = visit()
    lost = [True]
    found.school.lost = lambda r: b"password=" in r.body and bool(lost) and lost.pop()
    found.run()
    assert found.ok == {"login_page": 2, "password": 1, "token": 1, "login": 1}
    assert found.failures == {("password", "connection closed"): 1}
    assert found.longest("login", "think") == pytest.approx(10.0, rel=1e-3)


def test_a_wrong_password_is_not_tried_again() -> None:
    found = visit()
    found.school.keycloak.forgetful = {found.person.username}
    found.run()
    assert found.failures == {
        ("password", "form again"): 1,
        ("login", "password: form again"): 1,
    }
    assert found.retries == {}


def test_who_was_turned_away_as_often_as_declared_has_failed() -> None:
    found = visit(attempts=3)
    found.school.instead = first(9, Response(503))
    found.run()
    assert found.failures == {
        ("login_page", "503"): 3,
        ("login", "login_page: gave up: 503"): 1,
    }
    assert counted(found) == {"offered": 1, "started": 1, "failed": 1}


def test_who_runs_out_of_patience_leaves_and_has_not_failed() -> None:
    found = visit(patience=4.0, attempts=50)
    found.school.instead = first(99, Response(503))
    found.run()
    assert counted(found) == {"offered": 1, "started": 1, "abandoned": 1}
    assert dict(found.delta["abandoned"]) == {"login": 1}
    assert found.longest("login") == pytest.approx(4.0, rel=1e-3)
    assert found.now == pytest.approx(4.0)


def test_a_portal_that_is_overrun_is_loaded_again() -> None:
    found = visit("morning")
    left = [Response(503)]
    found.school.instead = lambda r: left.pop() if r.target == "/" and left else None
    found.run()
    assert found.ok["portal"] == found.ok["morning"] == 1
    assert found.retries == {"portal": 1}


def test_the_same_person_does_the_same_in_every_storm() -> None:
    plan = plan_of("login", profile=Profile.named("bavaria"), pupils=1000)

    def times(number: int) -> tuple[float, float]:
        found = Visit(plan, number)
        found.school.instead = first(2, Response(503))
        return found.run().now, found.longest("login", "think")

    assert times(7) == times(7) != times(8)


def test_without_the_section_nobody_tries_again_or_thinks() -> None:
    found = Visit(plan_of("login"))
    found.school.instead = first(1, Response(503))
    found.run()
    assert found.failures == {("login_page", "503"): 1, ("login", "login_page: 503"): 1}
    assert found.retries == {}
    assert counted(found)["failed"] == 1
