from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken import population
from loadtests.morning import CLASS_FOLDER, NEW, YESTERDAY
from loadtests.requests import Request, Response
from tests.loadtests.visit import Visit, plan_of

if TYPE_CHECKING:
    from collections.abc import Callable

ALL = ("portal", "login_page", "password", "token", "drives", "home", "open", "save", "morning")


def morning(number: int = 0, pupils: int = 30) -> Visit:
    visit = Visit(plan_of("morning", pupils=pupils), number)
    visit.school.seed(range(2))
    visit.school.seed_class(0, 30)
    return visit


def once(method: str, response: Response) -> Callable[[Request], Response | None]:
    """Give `response` to the first request of a method to a cell."""
    left = [response]

    def instead(request: Request) -> Response | None:
        mine = request.method == method and "//drive" in request.origin
        return left.pop() if mine and left else None

    return instead


def test_a_morning_ends_with_yesterdays_document_changed() -> None:
    visit = morning()
    before = visit.stored(YESTERDAY)
    visit.run()
    assert visit.ok == dict.fromkeys(ALL, 1)
    assert visit.failures == {}
    assert visit.retries == {}
    assert visit.stored(YESTERDAY) != before
    assert len(visit.stored(YESTERDAY)) == len(before)
    assert visit.writes == []


def test_who_goes_on_to_the_drive_keeps_no_connection_to_the_login() -> None:
    seen = morning().run().school.seen
    assert [r.target.rpartition("/")[2] for r in seen if r.last] == ["token"]


def test_what_is_saved_is_saved_over_what_was_opened() -> None:
    visit = morning().run()
    [put] = [r for r in visit.school.seen if r.method == "PUT"]
    assert dict(put.headers)["If-Match"] == '"e1"'


def test_the_first_request_to_a_drive_goes_alone_and_tells_a_first_login() -> None:
    visit = morning(number=5).run()
    assert visit.ok["first_drives"] == 1
    assert "drives" not in visit.ok
    assert visit.ok["save"] == visit.ok["morning"] == 1
    assert "open" not in visit.ok
    assert visit.paths() == {NEW}


def test_a_teacher_looks_into_the_class_folder() -> None:
    visit = morning(number=30).run()
    assert visit.person.username == "laerer000001"
    assert visit.ok == dict.fromkeys((*ALL, "class_folder"), 1)
    assert visit.stored(f"{CLASS_FOLDER}/elev0000001.txt").startswith(b"Klokken a-run ")


def test_a_class_folder_that_lacks_a_pupils_work_fails() -> None:
    visit = morning(number=30)
    del visit.cell.documents["laerer000001", f"{CLASS_FOLDER}/elev0000021.txt"]
    assert ("class_folder", "documents missing") in visit.run().failures


def test_a_portal_without_the_link_of_a_cell_fails() -> None:
    visit = morning()
    page = Response(200, b'<a href="https://drive1.skole.test/">')
    visit.school.instead = lambda r: page if r.target == "/" else None
    assert ("portal", "no link") in visit.run().failures


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_met_by_fetching_and_saving_once_more(status: int) -> None:
    visit = morning()
    visit.school.instead = once("PUT", Response(status))
    visit.run()
    assert visit.failures == {("save", "conflict"): 1}
    assert visit.ok["current"] == visit.ok["save"] == visit.ok["morning"] == 1


def test_a_saved_document_whose_answer_was_lost_is_not_saved_twice() -> None:
    visit = morning()
    lost = [True]
    visit.school.lost = lambda r: r.method == "PUT" and bool(lost) and lost.pop()
    visit.run()
    assert visit.failures == {("save", "connection closed"): 1, ("save", "conflict"): 1}
    assert visit.ok["morning"] == 1
    assert "save" not in visit.ok
    assert visit.retries == {"save": 1}


def test_a_drive_that_is_not_ready_is_asked_again_without_a_failure() -> None:
    visit = morning()
    visit.school.instead = once("GET", Response(425))
    visit.run()
    assert visit.failures == {}
    assert visit.retries == {"drives": 1}
    assert visit.ok == dict.fromkeys(ALL, 1)
    assert visit.longest("drives") > visit.longest("drives", "service") + 0.25


def test_a_pupil_goes_to_the_cell_of_the_own_school() -> None:
    visit = Visit(plan_of("morning", pupils=900), number=430)
    visit.school.seed([430])
    visit.run()
    assert visit.ok["open"] == 1
    cells = {r.origin for r in visit.school.seen if "//drive" in r.origin}
    assert cells == {"https://drive2.skole.test"}
    assert population.pupil(430, 2).school == 1
