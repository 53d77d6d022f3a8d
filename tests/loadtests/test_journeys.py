from __future__ import annotations

from urllib.parse import parse_qs

import pytest

from loadtests import login
from loadtests.requests import Response, Site
from loadtests.steps import Ask, Think, Unexpected
from tests.loadtests.keycloak import PASSWORD, Keycloak
from tests.loadtests.visit import OPENED, Visit, plan_of

SITE = Site("https://login.skole.test", "skole", "drive", "https://drive.skole.test/cb")
REQUESTS = ("login_page", "password", "token")


def sign_in(keycloak: Keycloak) -> list[Ask]:
    """Sign in at `keycloak`; return what was asked."""
    asked: list[Ask] = []
    journey = login.sign_in(SITE, "elev0000042", PASSWORD, clock=lambda: OPENED)
    step = next(journey)
    while True:
        if isinstance(step, Think):
            step = next(journey)
        assert isinstance(step, Ask)
        asked.append(step)
        try:
            step = journey.send(step.read(keycloak.answer(step.request)))
        except StopIteration:
            return asked


def test_a_login_is_three_requests_in_their_order() -> None:
    keycloak = Keycloak(SITE.origin, clock=lambda: OPENED)
    asked = sign_in(keycloak)
    assert tuple(step.name for step in asked) == REQUESTS
    page, password, token = (step.request for step in asked)
    assert [r.method for r in (page, password, token)] == ["GET", "POST", "POST"]
    assert {r.origin for r in (page, password, token)} == {SITE.origin}
    assert dict(password.headers)["Cookie"] == "AUTH_SESSION_ID=x"
    assert parse_qs(token.body.decode())["redirect_uri"] == [SITE.redirect_uri]
    assert keycloak.logins == ["elev0000042"]


@pytest.mark.parametrize(
    ("name", "response", "cause"),
    [
        ("login_page", Response(503), "503"),
        ("login_page", Response(200, b"we are closed"), "no form"),
        ("password", Response(200, b"the form"), "form again"),
        ("token", Response(400, b"{}"), "400"),
    ],
)
def test_a_login_ends_at_the_request_that_fails(name: str, response: Response, cause: str) -> None:
    visit = Visit(plan_of("login"))
    at = REQUESTS.index(name)
    visit.school.instead = lambda _: response if len(visit.school.seen) == at + 1 else None
    visit.run()
    assert visit.failures == {(name, cause): 1, ("login", f"{name}: {cause}"): 1}
    assert len(visit.school.seen) == at + 1
    assert visit.retries == {}


def test_a_token_made_for_another_login_is_refused() -> None:
    keycloak = Keycloak(SITE.origin, clock=lambda: OPENED)
    stale = sign_in(keycloak)[-1].request
    journey = login.sign_in(SITE, "elev0000042", PASSWORD, clock=lambda: OPENED)
    step = next(journey)
    for _ in REQUESTS[1:]:
        if isinstance(step, Think):
            step = next(journey)
        assert isinstance(step, Ask)
        step = journey.send(step.read(keycloak.answer(step.request)))
    assert isinstance(step, Ask)
    with pytest.raises(Unexpected, match=r"^wrong nonce$"):
        step.read(keycloak.answer(stale))


def test_a_pupil_of_the_second_cell_comes_back_to_it() -> None:
    visit = Visit(plan_of("login", pupils=900), number=420).run()
    query = parse_qs(visit.school.seen[-1].body.decode())
    assert query["redirect_uri"] == ["https://drive2.skole.test/oidc-callback.html"]
    assert visit.ok == {"login_page": 1, "password": 1, "token": 1, "login": 1}


def test_who_only_logs_in_keeps_the_one_connection_to_the_end() -> None:
    visit = Visit(plan_of("login")).run()
    assert not any(request.last for request in visit.school.seen)
    assert visit.closed == 1
