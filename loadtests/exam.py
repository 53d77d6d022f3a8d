"""The journey `exam`: fetch the paper, write and autosave, hand in and see the receipt."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from klokken.storm.sitting import Sitting
from loadtests import drive, listing
from loadtests.page import Page
from loadtests.session import Session
from loadtests.steps import LeftOut, Unanswered, Unexpected, Wait
from loadtests.work import Work

if TYPE_CHECKING:
    from klokken.exam import Exam
    from loadtests.drive import Drive
    from loadtests.listing import Entry
    from loadtests.requests import Response
    from loadtests.steps import Journey, Steps
    from loadtests.world import World

FOLDER = "Prøve"
DOCUMENT = f"{FOLDER}/Besvarelse.txt"
HANDIN = f"{FOLDER}/Aflevering.txt"


def paper(files: int) -> list[str]:
    """Return the names of the files of a paper: the tasks, then what is attached to them."""
    return ["Opgave.pdf", *(f"Bilag {n}.pdf" for n in range(1, files))]


def exam(world: World, number: int) -> Journey:
    """Sit the exam from the login to the receipt."""
    plan = world.plan
    sitting = Sitting.of(plan, number)
    session = Session(world, world.person(number), patient=True)
    yield from session.sign_in()
    space = yield from session.drive()
    if world.now() < sitting.paper:
        yield Wait(sitting.paper)
    there = yield from _paper(session, space, sitting.exam)

    work = Work(plan.run, plan.seed, number, sitting.exam.document_bytes.value)
    page = partial(Page, session, space, work, deadline=sitting.ends)
    document = page(kind="autosave", path=DOCUMENT, etag=_etag(there, DOCUMENT))
    for save, moment in sitting.autosaves(world.now()):
        # A client has one timer, and saves what there is when that comes round again.
        if moment <= world.now():
            yield LeftOut("autosave")
        else:
            yield Wait(moment)
            yield from _autosave(document, work.text(save))

    yield Wait(sitting.handin)
    handin = page(kind="handin", path=HANDIN, etag=_etag(there, HANDIN))
    text = work.text(0)
    yield from handin.save(text)
    yield from _receipt(handin, text)


def _autosave(document: Page, text: bytes) -> Journey:
    """Save `text`; one that is given up is counted where it failed, and the pupil writes on."""
    with contextlib.suppress(Unexpected, Unanswered):
        yield from document.save(text)


def _paper(session: Session, space: Drive, exam: Exam) -> Steps[dict[str, Entry]]:
    """Fetch the paper, one file after the other; return what the folder held before."""
    folder, names = space.at(FOLDER), paper(exam.paper_files.value)

    def listed(response: Response) -> dict[str, Entry]:
        there = listing.held(response, folder)
        if any(name not in there for name in names):
            raise Unexpected("paper incomplete")
        if sum(there[name].size for name in names) != exam.paper_bytes.value:
            raise Unexpected("paper of another size")
        return there

    there: dict[str, Entry] = yield from session.ask(
        "paper_list", drive.properties(session.origin, folder, 1), listed
    )
    for name in names:
        request = drive.get(session.origin, space.at(f"{FOLDER}/{name}"), bulk=True)
        whole = partial(drive.length, expected=there[name].size)
        yield from session.ask("paper", request, whole)
    return there


def _receipt(page: Page, text: bytes) -> Journey:
    """See that the drive shows what was handed in, as it said when it took it.

    Where an attempt that was thought lost came in late, the same text has another ETag; then
    the pupil looks at the text.
    """

    def shown(response: Response) -> None:
        found = listing.entries(response)
        if [(entry.size, entry.etag) for entry in found] != [(len(text), page.etag)]:
            raise Unexpected("receipt differs")

    request = drive.properties(page.session.origin, page.target, 0)
    try:
        yield from page.session.ask("receipt", request, shown)
    except Unexpected as finding:
        if str(finding) != "receipt differs" or not (yield from page.holds(text)):
            raise


def _etag(there: dict[str, Entry], path: str) -> str:
    """Return the ETag of what an earlier exam left at `path`, or nothing."""
    found = there.get(path.rpartition("/")[2])
    return found.etag if found else ""
