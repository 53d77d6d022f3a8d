"""The world of a storm as its journeys see it: the site, the people, the clock."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from klokken import population
from loadtests.requests import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.population import Person
    from klokken.results import StormPlan

# Where the drive's own client takes people back after a login.
CALLBACK = "/oidc-callback.html"


def origins(plan: StormPlan) -> list[str]:
    """Return every origin that the journeys of `plan` talk to."""
    login = plan.login_url.rstrip("/")
    match plan.profile.journey:
        case "login":
            return [login]
        case "exam":
            return [login, *plan.cell_urls]
        case _:
            return [plan.portal_url, login, *plan.cell_urls]


@dataclass(frozen=True, slots=True)
class World:
    """What all journeys of a storm share.

    `now` gives seconds since the storm's `opens`, `clock` Unix seconds; `secret` is the
    password of all synthetic accounts.
    """

    plan: StormPlan
    secret: str = field(repr=False)
    now: Callable[[], float]
    clock: Callable[[], float] = time.time
    # The login, as the client of each drive cell knows it.
    sites: tuple[Site, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Derive what every journey needs once."""
        plan = self.plan
        login = plan.login_url.rstrip("/")
        sites = (Site(login, plan.realm, plan.client_id, cell + CALLBACK) for cell in self.cells)
        object.__setattr__(self, "sites", tuple(sites))

    @property
    def cells(self) -> list[str]:
        """The origins of the drive cells."""
        return self.plan.cell_urls

    def person(self, number: int) -> Person:
        """Return who has this number."""
        return population.person(number, self.plan.pupils, len(self.cells))

    def site(self, person: Person) -> Site:
        """Return the login that this person comes to from the own cell."""
        return self.sites[person.cell - 1]
