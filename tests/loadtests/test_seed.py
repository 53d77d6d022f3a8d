"""Seeding gives a class what its morning and its exam expect, and adds only what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from klokken import population
from loadtests.exam import FOLDER, paper
from loadtests.morning import CLASS_FOLDER, YESTERDAY
from loadtests.seed import FOLDERS, look_at_class, paper_sizes, seed_class
from tests.loadtests.visit import Visit, plan_of

if TYPE_CHECKING:
    from tests.loadtests.school import School

PUPILS = 30


class Seeding(Visit):
    journey = staticmethod(seed_class)


def seeding(klass: int = 0, school: School | None = None, journey: str = "exam") -> Seeding:
    visit = Seeding(plan_of(journey, pupils=PUPILS), klass)
    visit.school = school or visit.school
    visit.run()
    assert visit.failures == {}
    return visit


def names(klass: int) -> list[str]:
    return [population.pupil(p, 2).username for p in population.pupils_of(klass, PUPILS)]


def paths(school: School, username: str) -> set[str]:
    return {p for cell in school.cells.values() for who, p in cell.documents if who == username}


def test_every_pupil_has_yesterdays_document_and_the_paper_of_the_exam() -> None:
    school = seeding().school
    expected = {YESTERDAY, *(f"{FOLDER}/{name}" for name in paper(3))}
    assert [paths(school, name) for name in names(0)] == [expected] * 21


def test_every_pupil_has_the_same_folders() -> None:
    (cell, *_) = seeding().school.cells.values()
    for name in names(0):
        assert {folder for who, folder in cell.folders if who == name} >= set(FOLDERS)


def test_before_a_morning_nobody_has_a_paper() -> None:
    school = seeding(journey="morning").school
    assert paths(school, names(0)[0]) == {YESTERDAY}


def test_a_teacher_has_the_work_of_the_class() -> None:
    school = seeding().school
    assert paths(school, "laerer000001") == {f"{CLASS_FOLDER}/{name}.txt" for name in names(0)}


def test_the_class_folder_is_shared_with_the_class_who_take_it() -> None:
    (cell, *_) = seeding().school.cells.values()
    assert cell.shares == [["laerer000001", f"/{CLASS_FOLDER}", name, True] for name in names(0)]


def test_the_last_class_may_be_small() -> None:
    school = seeding(klass=1).school
    assert len(paths(school, "laerer000002")) == PUPILS - 21


def test_seeding_again_stores_and_shares_nothing_again() -> None:
    school = seeding().school
    before = {origin: dict(cell.documents) for origin, cell in school.cells.items()}
    school.seen.clear()
    seeding(school=school)
    assert {origin: cell.documents for origin, cell in school.cells.items()} == before
    assert [r for r in school.seen if r.method == "PUT"] == []
    assert len(next(iter(school.cells.values())).shares) == 21


class Look(Visit):
    journey = staticmethod(look_at_class)


def test_a_look_finds_what_is_missing_and_changes_nothing() -> None:
    school = seeding().school
    cell = next(iter(school.cells.values()))
    visit = Look(plan_of("exam", pupils=PUPILS), 0)
    visit.school = school
    school.seen.clear()
    assert visit.run().failures == {}
    assert {r.method for r in school.seen if "/dav/" in r.target} == {"PROPFIND"}
    path = f"{FOLDER}/{paper(3)[1]}"
    del cell.documents[names(0)[0], path]
    again = Look(plan_of("exam", pupils=PUPILS), 0)
    again.school = school
    [(_, cause)] = again.run().failures
    assert cause.endswith(f"elev0000001 lacks {path}")


def test_what_is_missing_is_added() -> None:
    school = seeding().school
    cell = next(iter(school.cells.values()))
    lost = (names(0)[3], f"{FOLDER}/{paper(3)[1]}")
    kept = cell.documents.pop(lost)
    seeding(school=school)
    assert cell.documents[lost][0] == kept[0]


def test_seeding_is_the_same_each_time() -> None:
    one, other = (next(iter(seeding().school.cells.values())) for _ in range(2))
    assert {k: body for k, (body, _) in one.documents.items()} == {
        k: body for k, (body, _) in other.documents.items()
    }


@given(st.integers(1, 100), st.integers(0, 10**9))
def test_the_files_of_a_paper_are_as_large_as_it_together(files: int, more: int) -> None:
    sizes = paper_sizes(files + more, files)
    assert sum(sizes) == files + more
    assert max(sizes) - min(sizes) <= 1
