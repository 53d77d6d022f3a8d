"""The journey of seeding: what pupils and teachers of a class have in their drives beforehand.

Everything follows from the numbers of the people, so seeding again adds what is missing and
leaves the rest as it is. Each person's first request goes alone: it makes the account.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from klokken import population
from loadtests import drive, listing, sharing
from loadtests.exam import FOLDER as EXAM
from loadtests.exam import paper
from loadtests.morning import CLASS_FOLDER, YESTERDAY
from loadtests.session import Session
from loadtests.steps import Unexpected
from loadtests.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.exam import Exam
    from loadtests.drive import Drive
    from loadtests.steps import Journey, Steps
    from loadtests.world import World

FOLDERS = ("Dansk", "Matematik", "Noter")
DOCUMENT_BYTES = 20_000
# Seeded texts bear this in place of a storm's name.
_RUN = "seed"


def seed_class(world: World, number: int) -> Journey:
    """Seed the drives of the class of this number: its pupils', its teacher's, what they share."""
    plan = world.plan
    pupils = population.pupils_of(number, plan.pupils)
    sessions = [Session(world, world.person(pupil), patient=True) for pupil in pupils]
    for pupil, session in zip(pupils, sessions, strict=True):
        yield from _fill(session, documents_of_pupil(pupil, plan.profile.exam))
    teacher = Session(world, world.person(plan.pupils + number), patient=True)
    names = [session.person.username for session in sessions]
    yield from _fill(teacher, documents_of_teacher(number, names))
    yield from _share(teacher, sessions)


def look_at_class(world: World, number: int) -> Journey:
    """See that the first pupil of the class of this number has all that the storm expects.

    Classes are seeded as a whole, so that the others have it, too.
    """
    first, *_ = population.pupils_of(number, world.plan.pupils)
    session = Session(world, world.person(first), patient=True)
    yield from session.sign_in()
    space = yield from session.drive()
    documents = documents_of_pupil(first, world.plan.profile.exam)
    there = {} if space.empty else (yield from _sizes(session, space, documents))
    if missing := [path for path, text in documents.items() if there.get(path) != len(text)]:
        raise Unexpected(f"{session.person.username} lacks {missing[0]}")


def documents_of_pupil(pupil: int, exam: Exam | None) -> dict[str, bytes]:
    """Return what a pupil has, by path: yesterday's document and, before an exam, its paper."""
    there = {YESTERDAY: Work(_RUN, 0, pupil, DOCUMENT_BYTES).text(0)}
    if exam:
        sizes = paper_sizes(exam.paper_bytes.value, exam.paper_files.value)
        for name, size in zip(paper(exam.paper_files.value), sizes, strict=True):
            there[f"{EXAM}/{name}"] = _printed(name, size)
    return there


def documents_of_teacher(klass: int, usernames: list[str]) -> dict[str, bytes]:
    """Return what the teacher of a class has, by path: the work of each pupil."""
    return {
        f"{CLASS_FOLDER}/{name}.txt": Work(f"{_RUN}-{klass}", 0, number, DOCUMENT_BYTES).text(0)
        for number, name in enumerate(usernames)
    }


def paper_sizes(whole: int, files: int) -> list[int]:
    """Return the bytes of each file of a paper, which are `whole` together."""
    each, rest = divmod(whole, files)
    return [each + (number < rest) for number in range(files)]


@lru_cache(maxsize=128)
def _printed(name: str, size: int) -> bytes:
    """Return a file of a paper: the same for every pupil, and hardly to be compressed."""
    return hashlib.shake_256(name.encode()).digest(size)


def _fill(session: Session, documents: Mapping[str, bytes]) -> Journey:
    """Sign in and store those of `documents` that are missing or of another size."""
    yield from session.sign_in()
    space = yield from session.drive()
    for folder in sorted({*FOLDERS, *(path.partition("/")[0] for path in documents)}):
        yield from session.ask("folder", drive.make(session.origin, space.at(folder)), drive.made)
    there = {} if space.empty else (yield from _sizes(session, space, documents))
    for path, text in documents.items():
        if there.get(path) != len(text):
            request = drive.put(session.origin, space.at(path), text, "")
            yield from session.ask("document", request, drive.stored)


def _sizes(session: Session, space: Drive, documents: Mapping[str, bytes]) -> Steps[dict[str, int]]:
    """Return the size of every document in the folders of `documents`, by path."""
    sizes: dict[str, int] = {}
    for folder in sorted({path.partition("/")[0] for path in documents}):
        target = space.at(folder)
        asked = drive.properties(session.origin, target, 1)
        held = yield from session.ask("list", asked, partial(listing.held, target=target))
        sizes |= {f"{folder}/{name}": entry.size for name, entry in held.items()}
    return sizes


def _share(teacher: Session, pupils: list[Session]) -> Journey:
    """Share the class folder with those pupils who do not have it yet, who take it."""
    asked = sharing.shares(teacher.origin, CLASS_FOLDER)
    have: set[str] = yield from teacher.ask("shares", asked, sharing.names)
    for pupil in pupils:
        if pupil.person.username in have:
            continue
        offer = sharing.share(teacher.origin, CLASS_FOLDER, pupil.person.username)
        identity: str = yield from teacher.ask("share", offer, sharing.shared)
        taking = sharing.accept(pupil.origin, identity)
        yield from pupil.ask("accept", taking, sharing.accepted)
