"""The journey `morning`: from the portal to yesterday's document, opened, changed and saved."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from klokken import population
from loadtests import answers, drive, listing, requests
from loadtests.persistence import as_a_person
from loadtests.session import Session
from loadtests.steps import Ask, Think, Unexpected
from loadtests.work import Work

if TYPE_CHECKING:
    from klokken.population import Person
    from loadtests.drive import Content, Drive
    from loadtests.listing import Entry
    from loadtests.requests import Response
    from loadtests.steps import Journey, Steps
    from loadtests.world import World

YESTERDAY = "Dansk/I går.txt"
NEW = "Første dag.txt"
CLASS_FOLDER = "Klasse"
# The size of a document that is begun this morning.
NEW_BYTES = 20_000


def morning(world: World, number: int) -> Journey:
    """Come by the portal, sign in, look at home, open a document and save it."""
    person = world.person(number)
    yield from as_a_person(world, "portal", partial(_portal, world))
    yield Think()
    session = Session(world, person, patient=False)
    yield from session.sign_in()
    space = yield from session.drive()
    home = space.root + "/"
    yield from session.ask("home", drive.properties(session.origin, home, 1), listing.entries)
    plan = world.plan
    yield Think()
    if space.empty:
        work = Work(plan.run, plan.seed, number, NEW_BYTES)
        yield from _save(session, space.at(NEW), work.text(0), "")
        return
    path = YESTERDAY
    if person.teacher:
        path = yield from _choose(session, space, person, plan.pupils)
    target = space.at(path)
    opened: Content = yield from session.ask(
        "open", drive.get(session.origin, target), drive.content
    )
    yield Think()
    work = Work(plan.run, plan.seed, number, len(opened.body))
    yield from _save(session, target, work.text(0), opened.etag)


def _portal(world: World) -> Journey:
    page = requests.portal(world.plan.portal_url)
    yield Ask("portal", page, partial(answers.portal, links=world.cells))


def _choose(session: Session, space: Drive, teacher: Person, pupils: int) -> Steps[str]:
    """Look into the class folder, and return the path of the first pupil's work."""
    target = space.at(CLASS_FOLDER)
    expected = [
        f"{population.pupil(p, 1).username}.txt"
        for p in population.pupils_of(teacher.klass, pupils)
    ]

    def shown(response: Response) -> None:
        there: dict[str, Entry] = listing.held(response, target)
        if any(name not in there for name in expected):
            raise Unexpected("documents missing")

    yield from session.ask("class_folder", drive.properties(session.origin, target, 1), shown)
    yield Think()
    return f"{CLASS_FOLDER}/{expected[0]}"


def _save(session: Session, target: str, text: bytes, etag: str) -> Journey:
    """Save a document; one that somebody changed meanwhile is fetched, and saved once more."""
    try:
        yield from session.ask("save", drive.put(session.origin, target, text, etag), drive.stored)
    except Unexpected as finding:
        if str(finding) != drive.CONFLICT:
            raise
    else:
        return
    found: Content | None = yield from session.ask(
        "current", drive.get(session.origin, target), drive.current
    )
    if found is None or found.body != text:
        etag = found.etag if found else ""
        yield from session.ask("save", drive.put(session.origin, target, text, etag), drive.stored)
