"""The journey `login`: the authorization code flow with PKCE, up to checked tokens."""

from __future__ import annotations

from functools import partial
from time import time
from typing import TYPE_CHECKING

from loadtests import answers, requests
from loadtests.persistence import as_a_person
from loadtests.requests import Secrets
from loadtests.steps import Ask, Think

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.answers import Tokens
    from loadtests.requests import Site
    from loadtests.steps import Journey, Steps
    from loadtests.world import World


def login(world: World, number: int) -> Journey:
    """Sign in, and no more."""
    person = world.person(number)
    once = partial(sign_in, world.site(person), person.username, world.secret, world.clock)
    yield from as_a_person(world, "login_page", once)


def sign_in(
    site: Site,
    username: str,
    secret: str,
    clock: Callable[[], float] = time,
    *,
    last: bool = False,
) -> Steps[Tokens]:
    """Return the tokens that `username` gets for the password `secret`.

    Who goes on elsewhere says that this is the `last` that is asked of the login for long.
    `clock` gives Unix seconds, against which the tokens' expiry is checked. A request of a
    login is sent once, since a form or a code that was used cannot be used again: who tries
    again begins here.
    """
    mine = Secrets.fresh()
    cookies: dict[str, str] = {}

    def form(page: requests.Response) -> str:
        answers.keep_cookies(cookies, page)
        return answers.login_form(page, site)

    target = yield Ask("login_page", requests.login_page(site, mine), form)
    yield Think()
    asked = requests.password(site, target, cookies, username, secret)
    code = yield Ask("password", asked, partial(answers.code, site=site, mine=mine))
    tokens: Tokens = yield Ask(
        "token",
        requests.token(site, mine, code, last=last),
        lambda found: answers.tokens(found, site, mine, username, clock()),
    )
    return tokens
