"""A whole school platform in memory: portal, login and drive cells, for tests."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klokken import population
from loadtests.exam import FOLDER, paper
from loadtests.morning import CLASS_FOLDER, YESTERDAY
from loadtests.requests import Request, Response
from tests.loadtests.infinite import Cell
from tests.loadtests.keycloak import Keycloak

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ORIGINS = (
    "https://login.skole.test",
    "https://portal.skole.test",
    "https://drive1.skole.test",
    "https://drive2.skole.test",
)


def never(_: Request) -> Response | None:
    """Replace no answer."""
    return None


def none(_: Request) -> bool:
    """Lose no answer."""
    return False


@dataclass
class School:
    """The platform at `origins`: login, portal, and the cells.

    What `instead` returns is the answer in place of the platform's own. An answer that `lost`
    holds for is given up after all was done that was asked.
    """

    origins: tuple[str, ...] = ORIGINS
    clock: Callable[[], float] = time.time
    instead: Callable[[Request], Response | None] = never
    lost: Callable[[Request], bool] = none
    keycloak_options: dict[str, Any] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open the tiers."""
        login, self.portal, *cells = self.origins
        self.keycloak = Keycloak(login, clock=self.clock, **self.keycloak_options)
        self.cells = {origin: Cell(self.keycloak.user) for origin in cells}

    def answer(self, request: Request) -> Response:
        """Answer a request to any of the hosts."""
        self.seen.append(request)
        if (other := self.instead(request)) is not None:
            return other
        if request.origin in self.cells:
            return self.cells[request.origin].answer(request)
        if request.origin == self.portal:
            return Response(200, "".join(f'<a href="{c}/">' for c in self.cells).encode())
        return self.keycloak.answer(request)

    def cell_of(self, person: population.Person) -> Cell:
        """Return the cell that a person's documents are in."""
        return list(self.cells.values())[person.cell - 1]

    def seed(self, pupils: Iterable[int], sizes: Iterable[int] = (1000, 500, 500)) -> None:
        """Give pupils yesterday's document and an exam paper of files of `sizes`."""
        sizes = list(sizes)
        for number in pupils:
            one = population.pupil(number, len(self.cells))
            cell = self.cell_of(one)
            cell.give(one.username, YESTERDAY, b"It was yesterday. " * 100)
            for name, size in zip(paper(len(sizes)), sizes, strict=True):
                cell.give(one.username, f"{FOLDER}/{name}", b"%" * size)

    def seed_class(self, klass: int, pupils: int) -> None:
        """Give a teacher the class folder."""
        teacher = population.teacher(klass, len(self.cells))
        for number in population.pupils_of(klass, pupils):
            name = population.pupil(number, 1).username
            path = f"{CLASS_FOLDER}/{name}.txt"
            self.cell_of(teacher).give(teacher.username, path, b"An essay. " * 100)
