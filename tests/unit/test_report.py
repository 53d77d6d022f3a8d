from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Any

import pytest

from klokken.errors import MachineError
from klokken.profile import Profile, Title
from klokken.report import render, write
from klokken.report.page import command
from klokken.results import Results, Verdict
from klokken.storm.summary import summary
from tests.storms import generator, judgements, latency, plan, profile, request_class, storm
from tests.unit.drawn import drawn_once

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["drawn_once"]

pytestmark = pytest.mark.usefixtures("drawn_once")

HOSTILE = """<script>alert('x')</script>"&{{ 7*7 }}$\\alpha$"""


def words(page: str) -> str:
    """Return what a reader reads, without mark-up."""
    text = re.sub(r"<(style|svg).*?</\1>|<[^>]+>", "", page, flags=re.DOTALL)
    return " ".join(text.replace("&#39;", "'").split())


def test_a_pass_says_so_in_both_languages_and_in_figures() -> None:
    text = words(render(storm()))
    assert "BESTÅET Passed" in text
    assert "IKKE BESTÅET" not in text
    assert "624 elever loggede ind, og den langsomste 1 % ventede 0,84 s eller længere." in text
    assert "624 pupils logged in, and the slowest 1% waited 0.84 s or longer." in text
    assert "Platformen holdt alle 8 krav. The platform kept all 8 requirements." in text


def test_a_fail_names_every_requirement_that_was_missed() -> None:
    broken = judgements(0.05, p99=4.2)
    text = words(render(storm(failed=31, verdict=Verdict.FAIL, judgements=broken)))
    assert "IKKE BESTÅET Not passed" in text
    assert "593 af 624 elever loggede ind" in text
    assert "Platformen holdt ikke 5 af 8 krav." in text
    assert "Hele login: 99 % måtte højst vente 3 s; målt: 4,20 s." in text
    assert "Adgangskoden: højst 1 % måtte mislykkes; 5 % mislykkedes." in text
    assert "Password: at most 1% were to fail; 5% failed." in text


def test_an_invalid_run_judges_nothing_and_says_why() -> None:
    late = generator(584, lost_workers=1, lateness=latency(584, 0.08))
    run = storm(dropped=40, generator=late, verdict=Verdict.INVALID, invalid_because=["too late"])
    text = words(render(run))
    assert "UGYLDIG MÅLING Invalid measurement" in text
    assert "Målingen kan ikke bruges til at bedømme platformen" in text
    assert "mistede 1 af 2 arbejdere" in text
    assert "0,208 s eller mere for sent; grænsen er 0,05 s." in text
    assert "40 af 624 elever blev aldrig sendt af sted." in text
    assert text.count("too late") == 2


def test_the_scale_of_the_measurement_is_said() -> None:
    text = words(render(storm()))
    assert "Målt med 25 % af profilens 6.500 elever (1.625)." in text
    assert "07:59:30-08:00:30, 60 sekunder" in text.replace("\u2013", "-")
    assert "9,6 %" in text


@pytest.mark.parametrize(
    ("offered", "danish", "english"),
    [
        (624, "624 elever logge ind: 10,4 i sekundet.", "due to log in: 10.4 a second."),
        (123, "123 elever logge ind: 2,05 i sekundet.", "due to log in: 2.05 a second."),
    ],
)
def test_the_rate_of_every_storm_is_said(offered: int, danish: str, english: str) -> None:
    text = words(render(storm(offered)))
    assert danish in text
    assert english in text


def test_the_rate_of_a_compressed_exam_is_that_of_the_storm() -> None:
    assert exam().rate == pytest.approx(7.5 * storm(300).rate)


def test_the_summary_says_the_rate(tmp_path: Path) -> None:
    assert "624 pupils due between 07:59:30 and 08:00:30, 10.40/s" in summary(storm(), tmp_path)


def test_who_gave_up_stands_apart_and_is_counted(tmp_path: Path) -> None:
    left = storm(offered=624, failed=20, abandoned=31)
    assert "20 mislykkedes, og 31 gav op." in render(left)
    page = words(render(left))
    assert "gav op gave up 31" in page
    assert "ingen venter mere end 30 s" in page
    assert "begyndt = gennemført + mislykkedes + gav op" in page
    assert "624 = 573 + 20 + 31 ✓ stemmer" in page
    assert "Den, der gav op, tæller med blandt dem, der mislykkedes." in page
    assert "✗ stemmer ikke" not in page
    assert "failed 20, abandoned 31, dropped 0" in summary(left, tmp_path)
    assert "gav op gave up" not in words(render(storm()))


def test_time_to_think_is_told_apart_from_waiting(tmp_path: Path) -> None:
    thought = storm(think=latency(624, 8.0))
    page = words(render(thought))
    assert "den tid, hver elev tænkte sig om: halvdelen højst 8,00 s, den længste 23,2 s" in page
    told = "thinking, which is no waiting: half 8.0 s at most, the longest 23.2 s"
    assert told in summary(thought, tmp_path)
    assert "tænkte sig om" not in words(render(storm()))


def test_how_people_try_again_is_told_with_the_retries() -> None:
    declared = profile(people=Profile.named("bavaria").people)
    again = {"login_page": request_class(624, {}, 1.0).model_copy(update={"retries": 9})}
    page = words(render(storm(plan=plan(624, profile=declared), classes=again)))
    assert "Who cannot get in loads the page again, at most 5 times in all." in page
    assert "Den, der gav op efter højst 120 s, tæller med" in page


def test_a_share_that_nearly_is_the_limit_is_not_rounded_onto_it() -> None:
    near = judgements(0.010004)
    text = words(render(storm(offered=624, failed=7, verdict=Verdict.FAIL, judgements=near)))
    assert "højst 1 % måtte mislykkes; 1,0004 % mislykkedes." in text


def test_what_does_not_add_up_is_shown() -> None:
    text = words(render(storm(completed=620)))
    assert "624 ≠ 620 + 0 + 0 ✗ stemmer ikke" in text
    assert "off by 4" in text
    assert "✗ stemmer ikke" not in words(render(storm(failed=5, dropped=3)))


def test_every_assumption_is_visible() -> None:
    page = render(storm())
    assert "Profilen bygger på 11 antagelser" in words(page)
    assert page.count('<tr class="assumed">') == 11
    assert "Nobody has published it." in page
    even = {
        "kind": "uniform",
        "opens": "07:50",
        "closes": "08:10",
        "assumed": True,
        "why": "Plain.",
    }
    page = render(storm(plan=plan(624, profile=profile(arrivals=even))))
    assert page.count("Plain.") == 3


def exam(**changes: Any) -> Results:
    classes = {
        "exam": request_class(300, {}, 1.0),
        "autosave": request_class(9000, {"503": 12}, 0.1).model_copy(update={"retries": 12}),
        "handin": request_class(300, {}, 0.1),
    }
    writes = {"attempted": 9300, "acknowledged": 9288, "unknown": 12, "handins": 300, "late": 2}
    made = plan(300, profile=Profile.named("exam"), compression=7.5)
    return storm(300, plan=made, classes=classes, writes=writes, judgements=[], **changes)


def test_an_exam_is_told_in_its_own_words() -> None:
    page = render(exam())
    text = words(page)
    assert "300 elever fik afleveret deres prøve" in text
    assert "Alle tider er delt med 7,5." in text
    assert "afleveringer blev bekræftet" in text
    assert "2 bekræftelser kom for sent" in text
    assert "Prøver pr. sekund" in text
    assert "loggede ind" not in text


def test_an_exam_shows_its_retries_and_its_writes() -> None:
    page = render(exam())
    assert 'id="retries"' in page
    assert 'id="writes"' in page
    assert "Hand-ins acknowledged" in page
    assert "9,288" in page
    assert "--compress 7.5" in words(page)
    plain = render(storm())
    assert 'id="retries"' not in plain
    assert 'id="writes"' not in plain


def test_an_exam_tells_the_saves_that_were_left_out() -> None:
    sat = exam()
    assert "autosaves were left out" not in words(render(sat))
    autosave = sat.classes["autosave"].model_copy(update={"left_out": 7})
    page = words(render(sat.model_copy(update={"classes": {**sat.classes, "autosave": autosave}})))
    assert "7 automatiske gem blev sprunget over" in page
    assert "7 autosaves were left out" in page


def test_a_morning_counts_its_teachers() -> None:
    made = plan(315, profile=Profile.named("morning"), pupils=300, fraction=1.0)
    text = words(render(storm(315, plan=made)))
    assert "315 elever og lærere fik gemt deres arbejde" in text
    assert "100 %" in text


def test_the_command_that_repeats_it() -> None:
    expected = (
        "klokken storm south-schleswig --fraction 0.25 --seed 1 --from 07:59:30 --until 08:00:30"
    )
    assert " ".join(command(storm())) == expected
    assert expected in words(render(storm()))
    other = storm(plan=plan(624, stack="kommune x"))
    assert command(other)[1] == "--stack 'kommune x'"


def test_the_same_results_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each page draws its own charts.
    monkeypatch.undo()
    assert render(storm(failed=31)) == render(storm(failed=31))


def test_hostile_texts_stay_texts() -> None:
    failed = request_class(624, {HOSTILE: 3}, 1.0)
    run = storm(
        title=Title(da=HOSTILE, en=HOSTILE),
        classes={HOSTILE: failed, "login": failed},
        versions={HOSTILE: HOSTILE},
        tiers={HOSTILE: {"step_seconds": 5, "start": 0, "groups": {HOSTILE: [0.1, None, 0.2]}}},
        invalid_because=[HOSTILE],
        verdict=Verdict.INVALID,
    )
    page = render(run)
    assert "<script" not in page
    assert "49" not in re.findall(r"&amp;(\d+)", page)
    assert page.count("&lt;script&gt;") > 10


def test_it_needs_nothing_from_elsewhere() -> None:
    page = render(storm())
    assert not re.search(r"(?:src|href|action)=\"(?!#|data:)", page)
    assert not re.search(r"url\((?!#)|@import|<script|<iframe|javascript:", page)
    addresses = re.findall(r"https?://\S+", page.replace("<wbr>", "").replace("<", " "))
    made = storm().plan
    assert addresses == [made.login_url, made.portal_url, *made.cell_urls]


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (storm(), "Ingen forespørgsel mislykkedes. No request failed."),
        (storm(tiers={}), "Der blev ikke målt CPU i denne storm."),
        (storm(offered=100, failed=100), "Ingen af de 100 elever loggede ind."),
        (storm(offered=50, dropped=50, classes={}, intervals=[]), "Ingen ventetider blev målt."),
        (storm(offered=1), "1 elev loggede ind, og den langsomste ventede 1,16 s."),
        (storm(judgements=[]), "Der blev ikke stillet krav."),
        (storm(offered=6200, seconds=3600), "Hvert punkt er det værste af 20 sekunder."),
    ],
    ids=["no failures", "no metrics", "all failed", "none", "one", "no requirements", "long"],
)
def test_edges(run: Results, said: str) -> None:
    assert said in words(render(run))


@pytest.mark.heavy
def test_a_long_and_broken_morning_stays_small() -> None:
    causes = {f"password: cause number {n}": 1 for n in range(200)}
    classes = {name: request_class(6000, causes, 1.0) for name in ("login", "password", "token")}
    tiers = {
        name: {
            "step_seconds": 1,
            "start": 0,
            "groups": {f"group{g}": [0.123456] * 7200 for g in range(12)},
        }
        for name in ("edge", "identity", "database", "metrics", "loadgen")
    }
    page = render(storm(offered=6000, seconds=7200, classes=classes, tiers=tiers))
    assert len(page.encode()) < 600_000


def test_write_is_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "results" / "run"
    path = write(storm(), folder)
    assert path == folder / "report.html"
    assert [p.name for p in folder.iterdir()] == ["report.html"]
    assert stat.S_IMODE(path.stat().st_mode) & 0o444 == 0o444
    assert write(storm(), folder).read_text(encoding="utf-8") == render(storm())


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError, match=r"report\.html: cannot be written \(.+\)$"):
        write(storm(), tmp_path / "file")
    blocked = tmp_path / "blocked"
    (blocked / "report.html").mkdir(parents=True)
    with pytest.raises(MachineError, match="cannot be written"):
        write(storm(), blocked)
    assert [p.name for p in blocked.iterdir()] == ["report.html"]
