from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from klokken.profile import Profile
from klokken.retries import Retries
from klokken.storm.sitting import Sitting
from klokken.storm.timing import deadline
from loadtests.exam import DOCUMENT, HANDIN
from loadtests.requests import Request, Response
from tests.loadtests.visit import OPENED, Visit, plan_of, profile_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.writes import Write

# The arrivals of the profile open half an hour before the exam, which lasts 210 minutes.
STARTS = 1800.0
ENDS = STARTS + 210 * 60


def exam(number: int = 0, due: float = 1000.0, **changes: Any) -> Visit:
    visit = Visit(plan_of("exam", **changes), number, due)
    visit.school.seed([number])
    return visit


def puts(path: str) -> Callable[[Request], bool]:
    """Tell a PUT of the document whose name ends the way `path` does."""
    ending = path.rpartition("/")[2]
    return lambda request: request.method == "PUT" and request.target.endswith(ending)


def nth(number: int, chosen: Callable[[Request], bool]) -> Callable[[Request], bool]:
    """Tell the request of this number, from 1, among those that are chosen."""
    seen = 0

    def holds(request: Request) -> bool:
        nonlocal seen
        seen += chosen(request)
        return chosen(request) and seen == number

    return holds


def told(visit: Visit) -> list[Write]:
    """Return the acknowledged hand-ins."""
    return [w for w in visit.writes if w.kind == "handin" and w.outcome == "acknowledged"]


def test_an_exam_is_sat_from_the_login_to_the_receipt() -> None:
    visit = exam().run()
    assert visit.failures == {}
    once = ("login_page", "password", "token", "drives", "paper_list", "handin", "receipt", "exam")
    assert {name: visit.ok[name] for name in once} == dict.fromkeys(once, 1)
    assert visit.ok["paper"] == 3
    assert visit.ok["autosave"] == len(visit.writes) - 1 > 100
    assert visit.now < ENDS


def test_the_handin_is_the_very_content_that_was_told_to_be_stored() -> None:
    visit = exam().run()
    [handin] = told(visit)
    content = visit.stored(HANDIN)
    assert handin.sha256 == hashlib.sha256(content).hexdigest()
    assert handin.size == len(content) == 20_000
    assert handin.etag == visit.cell.documents[handin.username, HANDIN][1]
    assert (handin.path, handin.cell, handin.late) == (HANDIN, 1, False)
    assert handin.sent < (handin.acknowledged or 0) < OPENED + ENDS


def test_every_autosave_is_another_text_over_the_one_before() -> None:
    visit = exam().run()
    saves = [r for r in visit.school.seen if puts(DOCUMENT)(r)]
    assert len({r.body for r in saves}) == len(saves)
    assert "If-Match" not in dict(saves[0].headers)
    assert all("If-Match" in dict(r.headers) for r in saves[1:])
    sent = [w.sent for w in visit.writes if w.kind == "autosave"]
    gaps = [b - a for a, b in pairwise(sent)]
    assert min(gaps) > 29.5
    assert max(gaps) < 60.5


def test_who_is_early_waits_and_who_is_late_begins_at_once() -> None:
    early, late = exam(due=900.0).run(), exam(due=STARTS + 400).run()
    for visit, begin in ((early, STARTS), (late, STARTS + 400)):
        first = min(w.sent for w in visit.writes) - OPENED
        assert begin + 30 <= first <= begin + 62
        assert visit.ok["exam"] == 1
    assert early.closed > 1  # an idle connection is not kept for a quarter of an hour


def test_two_storms_of_one_seed_ask_for_the_same_at_the_same_times() -> None:
    one, other = exam().run(), exam().run()
    assert [(w.sent, w.sha256) for w in one.writes] == [(w.sent, w.sha256) for w in other.writes]
    next_run = exam(run="another").run()
    assert not {w.sha256 for w in one.writes} & {w.sha256 for w in next_run.writes}


def test_tokens_are_renewed_before_they_end() -> None:
    visit = exam().run()
    assert visit.ok["token"] == 1
    assert visit.ok["refresh"] == len(visit.school.keycloak.refreshed) > 20


def test_the_connection_to_the_login_is_kept_no_longer_than_for_the_tokens() -> None:
    visit = exam().run()
    tokens = [r for r in visit.school.seen if r.target.endswith("/token")]
    assert len(tokens) > 20
    assert all(r.last for r in tokens)
    assert not any(r.last for r in visit.school.seen if r not in tokens)


def test_a_token_that_still_holds_is_used_while_the_login_is_away() -> None:
    """A token lives 300 s and is renewed after 180; the login is away for the next 80."""
    visit = exam()
    gone = range(1900, 1980)

    def away(request: Request) -> Response | None:
        login = request.target.endswith("/token") and b"refresh_token" in request.body
        return Response(503) if login and int(visit.now) in gone else None

    visit.school.instead = away
    visit.run()
    assert visit.ok["exam"] == 1
    assert {name for name, _ in visit.failures} <= {"refresh"}
    assert "refresh" not in visit.retries


def test_a_login_that_was_forgotten_is_made_again() -> None:
    visit = exam()
    visit.school.keycloak.remembering = False
    visit.run()
    assert visit.ok["exam"] == 1
    assert visit.ok["token"] > 20
    assert {name for name, _ in visit.failures} == {"refresh"}


def test_a_token_that_the_drive_refuses_is_replaced() -> None:
    visit = exam()
    refused = nth(5, puts(DOCUMENT))
    visit.school.instead = lambda r: Response(401) if refused(r) else None
    visit.run()
    assert visit.ok["exam"] == 1
    assert visit.failures == {("autosave", "401"): 1}


def test_a_login_before_an_exam_is_begun_again_where_it_fails() -> None:
    visit = exam()
    visit.school.instead = lambda _: Response(503) if len(visit.school.seen) < 4 else None
    visit.run()
    assert visit.ok["exam"] == 1
    assert visit.retries == {"login_page": 3}


def test_a_lost_answer_is_made_up_for_by_looking() -> None:
    visit = exam()
    visit.school.lost = nth(4, puts(DOCUMENT))
    visit.run()
    assert visit.failures == {("autosave", "connection closed"): 1, ("autosave", "conflict"): 1}
    assert visit.ok["current"] == visit.ok["exam"] == 1
    lost = visit.writes[3]
    of_it = [w for w in visit.writes if w.sha256 == lost.sha256]
    assert [w.outcome for w in of_it] == ["unknown", "refused", "acknowledged"]
    assert of_it[2].etag
    assert visit.paths() >= {DOCUMENT, HANDIN}
    assert not any("konflikt" in path for path in visit.paths())


def test_a_lost_answer_to_the_handin_leaves_one_handin_acknowledged() -> None:
    visit = exam()
    visit.school.lost = nth(1, puts(HANDIN))
    visit.run()
    [handin] = told(visit)
    assert hashlib.sha256(visit.stored(HANDIN)).hexdigest() == handin.sha256
    assert visit.ok["exam"] == visit.ok["receipt"] == 1


def test_what_somebody_else_wrote_is_left_alone() -> None:
    visit = exam()
    third = nth(3, puts(DOCUMENT))

    def interfere(request: Request) -> None:
        if third(request):
            visit.cell.give(visit.person.username, DOCUMENT, b"by somebody else")

    visit.school.instead = interfere
    visit.run()
    assert visit.stored(DOCUMENT) == b"by somebody else"
    assert visit.stored("Prøve/Besvarelse (konflikt).txt").startswith(b"Klokken a-run 1 0 ")
    assert visit.ok["exam"] == 1
    paths = [w.path for w in visit.writes if w.kind == "autosave"]
    assert paths[:4] == [DOCUMENT] * 3 + ["Prøve/Besvarelse (konflikt).txt"]


def test_a_document_that_was_deleted_is_written_anew() -> None:
    visit = exam()
    third = nth(3, puts(DOCUMENT))

    def delete(request: Request) -> None:
        if third(request):
            del visit.cell.documents[visit.person.username, DOCUMENT]

    visit.school.instead = delete
    assert visit.run().ok["exam"] == 1
    assert DOCUMENT in visit.paths()


def test_an_outage_is_waited_out_and_saved_after() -> None:
    visit = exam()
    out = (STARTS + 600, STARTS + 640)
    visit.school.instead = lambda _: Response(503) if out[0] < visit.now < out[1] else None
    visit.run()
    assert visit.ok["exam"] == 1
    assert visit.retries["autosave"] == visit.failures["autosave", "503"] > 1
    assert {w.outcome for w in visit.writes if w.status == 503} == {"unknown"}
    # The save counts from when it was meant to be made.
    assert visit.longest("autosave") > 10 > visit.longest("autosave", "service")


def stall(visit: Visit, chosen: Callable[[Request], bool], seconds: float) -> None:
    """Have the site say nothing for so long before it answers the first request that is chosen."""
    first = nth(1, chosen)

    def stalled(request: Request) -> None:
        if first(request):
            visit.now += seconds

    visit.school.instead = stalled


def renews(request: Request) -> bool:
    """Tell a request for a new access token."""
    return request.target.endswith("/token") and b"refresh_token" in request.body


def test_a_handin_that_came_due_while_a_save_stalled_counts_from_when_it_was_due() -> None:
    visit = exam()
    due = Sitting.of(visit.plan, 0).handin
    stall(visit, lambda r: puts(DOCUMENT)(r) and visit.now > due - 60, 100)
    visit.run()
    assert visit.longest("handin") > 40
    assert visit.longest("handin", "service") < 1


def test_saves_that_came_due_while_one_stalled_are_left_out_and_counted() -> None:
    visit, calm = exam(), exam().run()
    stall(visit, puts(DOCUMENT), 200)
    visit.run()
    assert calm.left_out == {}
    assert 3 <= visit.left_out["autosave"] <= 6
    assert visit.ok["autosave"] + visit.left_out["autosave"] == calm.ok["autosave"]


def test_a_save_counts_the_wait_for_a_new_token() -> None:
    visit = exam()
    stall(visit, lambda r: renews(r) and visit.now > STARTS + 60, 40)
    visit.run()
    assert visit.longest("refresh") > 40
    assert visit.longest("autosave") > 40
    assert visit.longest("autosave", "service") < 1


def test_a_save_counts_the_wait_for_another_login() -> None:
    visit = exam()
    visit.school.keycloak.remembering = False
    stall(
        visit, lambda r: r.method == "GET" and "/auth?" in r.target and visit.now > STARTS + 60, 40
    )
    visit.run()
    assert visit.longest("login_page") > 40
    assert visit.longest("token") < 1
    assert visit.longest("autosave") > 40


def test_a_handin_counts_the_wait_for_a_token_in_place_of_one_that_was_refused() -> None:
    visit = exam()
    refused = nth(1, puts(HANDIN))

    def instead(request: Request) -> Response | None:
        if refused(request):
            return Response(401)
        if renews(request) and any(puts(HANDIN)(r) for r in visit.school.seen):
            visit.now += 40
        return None

    visit.school.instead = instead
    visit.run()
    assert visit.failures == {("handin", "401"): 1}
    assert visit.longest("handin") > 40
    assert visit.longest("handin", "service") < 1


def test_a_save_that_was_lost_and_is_made_again_counts_from_when_it_was_meant() -> None:
    visit = exam()
    visit.cell.give(visit.person.username, DOCUMENT, b"of last week")
    overwritten = nth(3, puts(DOCUMENT))

    def instead(request: Request) -> None:
        if overwritten(request):
            visit.cell.give(visit.person.username, DOCUMENT, b"by somebody else")
            visit.now += 40

    visit.school.instead = instead
    visit.run()
    assert visit.failures == {("autosave", "conflict"): 1}
    assert visit.longest("autosave") > 40


def test_who_comes_when_the_exam_has_begun_is_not_late_for_the_paper() -> None:
    assert exam(due=STARTS + 400).run().longest("paper_list") < 1


def test_who_gives_up_has_tried_as_often_as_was_declared() -> None:
    visit = exam(retries=Retries(attempts=4))
    visit.school.instead = lambda r: Response(503) if puts(HANDIN)(r) else None
    visit.run()
    assert visit.failures == {
        ("handin", "503"): 3,
        ("handin", "gave up: 503"): 1,
        ("exam", "handin: gave up: 503"): 1,
    }
    assert visit.retries == {"handin": 3}


def test_an_autosave_that_is_given_up_is_counted_and_the_pupil_writes_on_and_hands_in() -> None:
    visit = exam(retries=Retries(attempts=4))
    out = (STARTS + 600, STARTS + 900)
    visit.school.instead = lambda r: (
        Response(503) if puts(DOCUMENT)(r) and out[0] < visit.now < out[1] else None
    )
    visit.run()
    given_up = visit.failures["autosave", "gave up: 503"]
    assert 4 < given_up < 12
    assert visit.failures["autosave", "503"] >= 3 * given_up
    assert visit.ok["autosave"] > 100
    assert visit.ok["exam"] == visit.ok["handin"] == visit.ok["receipt"] == 1
    assert len(told(visit)) == 1


def test_a_handin_is_tried_also_where_no_autosave_was_stored() -> None:
    visit = exam(retries=Retries(attempts=2))
    visit.school.instead = lambda r: Response(503) if puts(DOCUMENT)(r) else None
    visit.run()
    assert "autosave" not in visit.ok
    assert visit.ok["exam"] == len(told(visit)) == 1


def test_a_login_that_cannot_be_renewed_for_long_is_made_again() -> None:
    visit = exam()
    gone = range(1900, 2600)

    def refusing(request: Request) -> Response | None:
        renewal = request.target.endswith("/token") and b"refresh_token" in request.body
        return Response(503) if renewal and int(visit.now) in gone else None

    visit.school.instead = refusing
    visit.run()
    assert visit.failures["refresh", "gave up: 503"] == visit.ok["token"] - 1 > 0
    assert visit.ok["exam"] == 1


def test_a_full_drive_refuses_and_is_asked_again() -> None:
    visit = exam()
    full = nth(1, puts(HANDIN))
    visit.school.instead = lambda r: Response(507) if full(r) else None
    visit.run()
    assert [w.outcome for w in visit.writes if w.kind == "handin"] == ["refused", "acknowledged"]


def test_a_handin_after_the_deadline_is_told_to_be_late() -> None:
    visit = exam()
    out = (STARTS + 1, ENDS + 5)
    first = nth(1, puts(HANDIN))
    sitting = Sitting.of(visit.plan, 0)

    def slow(request: Request) -> None:
        if first(request):
            visit.now = out[1]

    visit.school.instead = slow
    visit.run()
    [handin] = told(visit)
    assert handin.late
    assert sitting.handin < ENDS


@pytest.mark.parametrize(("size", "cause"), [(999, "paper of another size"), (None, "incomplete")])
def test_a_paper_that_is_not_whole_is_no_paper(size: int | None, cause: str) -> None:
    visit = exam()
    visit.cell.documents.pop((visit.person.username, "Prøve/Opgave.pdf"))
    if size:
        visit.cell.give(visit.person.username, "Prøve/Opgave.pdf", b"%" * size)
    [(name, found)] = [k for k in visit.run().failures if k[0] != "exam"]
    assert name == "paper_list"
    assert cause in found


def test_a_file_of_the_paper_that_comes_short_is_noticed() -> None:
    visit = exam()
    visit.school.instead = lambda r: Response(200, b"%") if r.bulk else None
    assert ("paper", "wrong size") in visit.run().failures


def test_a_receipt_that_shows_another_document_fails() -> None:
    visit = exam()

    def swap(request: Request) -> None:
        if request.method == "PROPFIND" and request.target.endswith("Aflevering.txt"):
            visit.cell.give(visit.person.username, HANDIN, b"something else")

    visit.school.instead = swap
    assert visit.run().failures == {
        ("receipt", "receipt differs"): 1,
        ("exam", "current: receipt differs"): 1,
    }


def test_an_attempt_that_came_in_late_does_not_frighten_the_pupil() -> None:
    visit = exam()

    def again(request: Request) -> None:
        if request.method == "PROPFIND" and request.target.endswith("Aflevering.txt"):
            visit.cell.give(visit.person.username, HANDIN, visit.stored(HANDIN))

    visit.school.instead = again
    assert visit.run().ok["exam"] == 1


def test_an_exam_sat_before_is_written_over() -> None:
    visit = exam()
    for path in (DOCUMENT, HANDIN):
        visit.cell.give(visit.person.username, path, b"of last week")
    visit.run()
    assert visit.failures == {}
    assert visit.stored(HANDIN).startswith(b"Klokken a-run ")


def test_a_compressed_exam_is_the_same_exam_in_less_time() -> None:
    whole, short = exam(due=1000.0), exam(due=50.0, compression=20.0)
    assert deadline(short.plan) == ENDS / 20
    whole.run()
    short.run()
    assert abs(whole.ok["autosave"] - short.ok["autosave"]) < 15
    assert short.now < ENDS / 20 < 800
    assert short.ok["exam"] == 1


def test_the_declared_share_hands_in_at_the_last() -> None:
    plan = plan_of("exam", profile=profile_of("exam", last_minutes_share=0.25))
    times = [Sitting.of(plan, pupil).handin for pupil in range(800)]
    last = ENDS - 300
    assert sum(t >= last for t in times) / 800 == pytest.approx(0.25, abs=0.05)
    assert all((STARTS + ENDS) / 2 <= t < ENDS for t in times)


def test_a_profile_may_spread_the_papers_and_renew_tokens_sooner() -> None:
    body = profile_of("exam").model_dump(mode="json")
    grounds = {"assumed": True, "why": "A test."}
    body["exam"] |= {
        "paper_within_seconds": {"value": 600.0, **grounds},
        "renewal_seconds": {"value": 90.0, **grounds},
    }
    profile = Profile.model_validate(body)
    plan = plan_of("exam", profile=profile)
    begun = [Sitting.of(plan, number).paper - STARTS for number in range(100)]
    assert 0 < min(begun) < 60
    assert 540 < max(begun) < 600
    visit = exam(profile=profile).run()
    first = min(w.sent for w in visit.writes) - OPENED
    assert begun[0] + 30 <= first - STARTS <= begun[0] + 62
    assert visit.ok["refresh"] > 1.6 * exam().run().ok["refresh"]
