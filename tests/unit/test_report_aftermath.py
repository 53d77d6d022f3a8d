"""The report tells what the audit found, and what the faults of an exam did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken import report
from klokken.audit import run as audits
from klokken.errors import InputError
from klokken.faults.outcome import Faults
from klokken.report.aftermath import Aftermath
from klokken.results import Verdict
from tests.storms import judgements, storm
from tests.unit.drawn import drawn_once
from tests.unit.test_audit_verdict import found, judged, write
from tests.unit.test_faults import inventory
from tests.unit.test_report import exam, words

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.audit.verdict import Audit

__all__ = ["drawn_once"]

pytestmark = pytest.mark.usefixtures("drawn_once")

RECEIPTS = {"handed_in": storm().started_journeys}
AUDIT = judged([write()], found("a")).model_copy(update=RECEIPTS)
MISSING = AUDIT.model_copy(update={"handed_in": storm().started_journeys - 1})
NOTHING = judged([])
LOST = judged([write()], found(None))
UNREAD = judged([write()])


def faults(*backs: float | None) -> Faults:
    happened = {"kind": "kill-drive", "at": 60, "hosts": ["drive1"], "began": 1060.2}
    recovered = [{**happened, "ended": 1075.4, "back_after": back} for back in backs]
    return Faults.model_validate({"run": "a", "opened": 1000, "faults": recovered, "lost": 0})


def hero(page: str) -> str:
    return words(page.partition("</h1>")[0].rpartition("<h1>")[2])


def test_the_audits_sentence_is_among_the_reasons_in_both_languages() -> None:
    text = words(report.render(exam(), Aftermath(AUDIT)))
    assert "Ingen af 1 kvitterede besvarelser er gået tabt (1 gem)." in text
    assert "None of 1 acknowledged documents is lost (1 writes)." in text
    assert "kvitterede" not in words(report.render(exam()))


def test_one_lost_document_fails_the_whole_run() -> None:
    page = report.render(exam(), Aftermath(LOST))
    assert hero(page) == "IKKE BESTÅET Not passed"
    assert "<title>IKKE BESTÅET" in page
    assert "1 af 1 kvitterede besvarelser er gået tabt." in words(page)
    assert "Elever fik kvittering for arbejde, som platformen ikke har." in words(page)


def test_every_fault_has_a_row_with_the_times_since_the_exam_opened() -> None:
    page = report.render(exam(), Aftermath(LOST, faults(1.25, None)))
    table = words(page.partition('id="faults"')[2].partition("</table>")[0].replace("<td", " <td"))
    assert "kill-drive@60 60,2 s 60.2 s 75,4 s 75.4 s ✓ 1,2 s 1.2 s 1" in table
    assert "✗ aldrig never 1" in table
    assert 'id="faults"' not in report.render(exam(), Aftermath(AUDIT, faults()))


def test_a_row_tells_how_many_writes_failed_meanwhile_where_somebody_counted() -> None:
    (fault,) = faults(1.25).faults
    counted = fault.model_copy(update={"failed_during": 4711})
    outcome = faults().model_copy(update={"faults": [counted]})
    page = report.render(exam(), Aftermath(AUDIT, outcome))
    row = words(page.partition('id="faults"')[2].partition("</table>")[0].replace("<td", " <td"))
    assert "75.4 s 4.711 4,711 ✓" in row


@pytest.mark.parametrize(
    ("verdict", "audit", "backs", "shown"),
    [
        (Verdict.PASS, None, [], Verdict.PASS),
        (Verdict.FAIL, AUDIT, [], Verdict.FAIL),
        (Verdict.FAIL, AUDIT, [3.0], Verdict.PASS),
        (Verdict.PASS, AUDIT, [3.0, 30.1], Verdict.FAIL),
        (Verdict.PASS, AUDIT, [None], Verdict.FAIL),
        (Verdict.INVALID, AUDIT, [3.0], Verdict.INVALID),
        (Verdict.PASS, UNREAD, [3.0], Verdict.INVALID),
        (Verdict.INVALID, LOST, [3.0], Verdict.FAIL),
        (Verdict.PASS, MISSING, [3.0], Verdict.FAIL),
        (Verdict.PASS, MISSING, [], Verdict.FAIL),
        (Verdict.INVALID, MISSING, [3.0], Verdict.INVALID),
        (Verdict.PASS, NOTHING, [], Verdict.FAIL),
    ],
)
def test_loss_and_recovery_judge_an_exam_with_faults(
    verdict: Verdict, audit: Audit | None, backs: list[float | None], shown: Verdict
) -> None:
    assert Aftermath(audit, faults(*backs)).verdict(storm(verdict=verdict)) == shown


def test_service_levels_that_faults_broke_are_no_reason() -> None:
    run = storm(verdict=Verdict.FAIL, judgements=judgements(0.05))
    text = words(report.render(run, Aftermath(AUDIT, faults(3.0))))
    assert "Platformen var tilbage senest 30 s efter hver fejl." in text
    assert "højst 1 % måtte mislykkes" not in text
    assert "højst 1 % måtte mislykkes" in words(report.render(run, Aftermath(AUDIT)))


def test_hand_ins_without_a_receipt_are_told_in_both_languages() -> None:
    text = words(report.render(storm(), Aftermath(MISSING, faults(3.0))))
    assert "623 af 624 elever, der var til prøve, har kvittering for en aflevering." in text
    assert "623 of 624 pupils who sat have a receipt for what they handed in." in text


def test_logins_that_came_back_late_where_a_fault_met_them_fail_the_run() -> None:
    made = faults(3.0)
    watched = {"kind": "kill-identity", "logins_watched": True, "logins_back_after": 61.5}
    late = made.model_copy(update={"faults": [made.faults[0].model_copy(update=watched)]})
    page = report.render(exam(), Aftermath(AUDIT, late))
    table = words(page.partition('id="faults"')[2].partition("</table>")[0].replace("<td", " <td"))
    assert "✓ 3,0 s 3.0 s ✗ 61,5 s 61.5 s" in table
    assert "men nye login var ikke tilbage i tide." in words(page)
    assert Aftermath(AUDIT, late).verdict(storm()) == Verdict.FAIL


def test_the_report_is_written_again_after_the_audit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audits, "ask", lambda *_: [found(None)])
    (tmp_path / "writes.jsonl").write_text(write().model_dump_json() + "\n")
    (tmp_path / "results.json").write_text(exam().model_dump_json())
    audits.run(tmp_path, inventory())
    assert "IKKE BESTÅET" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_damaged_audit_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "audit.json").write_text('{"lost": 3}')
    with pytest.raises(InputError, match=r"audit\.json"):
        report.write(storm(), tmp_path)
