"""Journeys: what a pupil does, step by step, without any input or output.

A journey is a generator. It yields the class of its next request and the request, receives
the response, and ends when the pupil has what it came for; `Unexpected` ends it otherwise.
Anything that can answer a `Request` can drive one.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from time import time
from typing import TypeAlias

from loadtests import answers, requests
from loadtests.requests import Request, Response, Secrets, Site

Journey: TypeAlias = Generator[tuple[str, Request], Response, None]

# The class under which the whole journey is recorded, and those of its requests in order.
WHOLE = "login"
REQUESTS = ("login_page", "password", "token")


def username(pupil: int) -> str:
    """Return the account name of a pupil, numbered from 0."""
    return f"elev{pupil + 1:07d}"


def login(site: Site, pupil: int, secret: str, clock: Callable[[], float] = time) -> Journey:
    """Sign in with the authorization code flow and PKCE, up to checked tokens.

    `clock` gives Unix seconds, against which the tokens' expiry is checked.
    """
    mine = Secrets.fresh()
    cookies: dict[str, str] = {}

    page = yield "login_page", requests.login_page(site, mine)
    answers.keep_cookies(cookies, page)
    target = answers.login_form(page, site)

    answer = yield "password", requests.password(target, cookies, username(pupil), secret)
    answers.keep_cookies(cookies, answer)
    code = answers.code(answer, site, mine)

    tokens = yield "token", requests.token(site, mine, code)
    answers.check_token(tokens, site, mine, username(pupil), clock())
