"""A person signed in at a drive cell, whose token is kept fresh as a real client does."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

from klokken.storm.timing import renewal
from loadtests import answers, drive, requests
from loadtests.login import sign_in
from loadtests.persistence import as_a_person, persistently
from loadtests.steps import GAVE_UP, Ask, AsOf, Meant, Pause, Unanswered, Unexpected

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.population import Person
    from loadtests.answers import Tokens
    from loadtests.drive import Drive
    from loadtests.requests import Request, Response
    from loadtests.steps import Draft, Journey, Steps
    from loadtests.world import World

# The share of a token's life after which it is no longer used.
_USED = 0.9
# Seconds between two attempts to renew a token that still holds.
_AGAIN = 10.0
_UNAUTHORIZED = "401"


class Session:
    """Signs in and asks the person's drive cell.

    A `patient` login is begun again whatever fails, another one as people do.
    """

    __slots__ = ("_expires", "_patient", "_renew", "_tokens", "_world", "origin", "person")

    _tokens: Tokens

    def __init__(self, world: World, person: Person, *, patient: bool) -> None:
        """Make one that is not signed in yet."""
        self.person = person
        self.origin = world.cells[person.cell - 1]
        self._world = world
        self._patient = patient
        self._expires = self._renew = 0.0

    def sign_in(self) -> Journey:
        """Get tokens for the password."""
        world, person = self._world, self.person
        site = world.site(person)
        once = partial(sign_in, site, person.username, world.secret, world.clock, last=True)
        if self._patient:
            attempts, forgiven = world.plan.retries.attempts, (Unexpected, Unanswered)
            found = yield from persistently("login_page", once, attempts, forgiven)
        else:
            found = yield from as_a_person(world, "login_page", once)
        self._take(found)

    def drive(self) -> Steps[Drive]:
        """Return the person's own space. This must be the first that a new account asks for."""
        found: Drive = yield from self.ask(
            "drives",
            drive.drives(self.origin),
            drive.drive,
            named=lambda space: "first_drives" if space.empty else "drives",
        )
        return found

    def ask(
        self,
        name: str,
        request: Request,
        read: Callable[[Response], Any],
        *,
        named: Callable[[Any], str] | None = None,
        draft: Draft | None = None,
    ) -> Steps[Any]:
        """Send `request` with a token that holds; one that is refused is replaced.

        It counts from when it was meant to be sent, which the way to a token does not put off.
        """
        attempts = self._world.plan.retries.attempts
        meant: float = yield Meant()
        for attempt in range(attempts):
            yield from self._freshen()
            yield AsOf(meant)
            try:
                return (yield Ask(name, self._bearing(request), read, named, draft, again=True))
            except Unexpected as finding:
                if str(finding) != _UNAUTHORIZED:
                    raise
            self._expires = self._renew = 0.0
            if attempt + 1 < attempts:
                yield Pause(name, attempt)
        raise Unexpected(f"{GAVE_UP}: {_UNAUTHORIZED}")

    def _freshen(self) -> Journey:
        """Renew the token when it is time; where that fails and it still holds, go on with it.

        Where it does not, the login has ended, or cannot be reached for long: sign in again.
        """
        now = self._world.now()
        if now < self._renew:
            return
        holds = now < self._expires
        asked = requests.refresh(self._world.site(self.person), self._tokens.refresh)
        try:
            self._take((yield Ask("refresh", asked, answers.refreshed, again=not holds)))
        except (Unexpected, Unanswered):
            if holds:
                self._renew = self._world.now() + _AGAIN
            else:
                yield from self.sign_in()

    def _take(self, tokens: Tokens) -> None:
        self._tokens = tokens
        now = self._world.now()
        self._renew = now + renewal(self._world.plan, tokens.seconds)
        self._expires = now + _USED * tokens.seconds

    def _bearing(self, request: Request) -> Request:
        bearer = ("Authorization", f"Bearer {self._tokens.access}")
        return dataclasses.replace(request, headers=(*request.headers, bearer))
