from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from loadtests import journeys
from loadtests.answers import Unexpected
from loadtests.requests import Response, Site
from tests.loadtests.double import token_of

if TYPE_CHECKING:
    from loadtests.requests import Request

SITE = Site("https://login.skole.test", "skole", "drive", "https://drive.skole.test/cb")
FORM = b'<form id="kc-form-login" action="https://login.skole.test/go?a=1&amp;b=2">'


class Keycloak:
    """Answers a login's three requests from memory; one of them may be replaced."""

    def __init__(self, **instead: Response) -> None:
        self.instead = instead
        self.seen: list[tuple[str, Request]] = []

    def answer(self, name: str, request: Request) -> Response:
        self.seen.append((name, request))
        return self.instead.get(name) or getattr(self, name)(request)

    def login_page(self, request: Request) -> Response:
        self.query = parse_qs(urlsplit(request.target).query)
        return Response(200, FORM, set_cookies=("AUTH=1; Path=/", "KC_RESTART=2"))

    def password(self, request: Request) -> Response:
        self.user = parse_qs(request.body.decode())["username"][0]
        return Response(302, location=f"{SITE.redirect_uri}?state={self.query['state'][0]}&code=c")

    def token(self, _: Request) -> Response:
        claims = {
            "iss": SITE.issuer,
            "aud": "drive",
            "nonce": self.query["nonce"][0],
            "preferred_username": self.user,
            "exp": 2000,
        }
        return Response(
            200, json.dumps({"access_token": "a", "id_token": token_of(claims)}).encode()
        )


def attend(keycloak: Keycloak, pupil: int = 0) -> None:
    journey = journeys.login(SITE, pupil, "a secret", clock=lambda: 1000.0)
    step = next(journey)
    while True:
        try:
            step = journey.send(keycloak.answer(*step))
        except StopIteration:
            return


def test_a_login_is_three_requests_in_their_order() -> None:
    keycloak = Keycloak()
    attend(keycloak, pupil=41)
    assert tuple(name for name, _ in keycloak.seen) == journeys.REQUESTS
    page, password, token = (request for _, request in keycloak.seen)
    assert [r.method for r in (page, password, token)] == ["GET", "POST", "POST"]
    assert password.target == "/go?a=1&b=2"
    assert dict(password.headers)["Cookie"] == "AUTH=1; KC_RESTART=2"
    assert keycloak.user == "elev0000042"
    assert parse_qs(token.body.decode())["code"] == ["c"]


@pytest.mark.parametrize(
    ("name", "response", "cause"),
    [
        ("login_page", Response(503), "503"),
        ("login_page", Response(200, b"we are closed"), "no form"),
        ("password", Response(200, FORM), "form again"),
        ("token", Response(400, b"{}"), "400"),
    ],
)
def test_a_journey_ends_at_the_request_that_fails(
    name: str, response: Response, cause: str
) -> None:
    keycloak = Keycloak(**{name: response})
    with pytest.raises(Unexpected, match=rf"^{cause}$"):
        attend(keycloak)
    assert keycloak.seen[-1][0] == name


def test_a_token_made_for_another_login_is_refused() -> None:
    first, second = Keycloak(), Keycloak()
    attend(first)
    second.token = first.token  # type: ignore[method-assign]
    with pytest.raises(Unexpected, match=r"^wrong nonce$"):
        attend(second)


def test_account_names_count_from_one() -> None:
    assert journeys.username(0) == "elev0000001"
    assert journeys.username(1_199_999) == "elev1200000"
