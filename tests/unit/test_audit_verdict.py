from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken import writes
from klokken.audit import run as audits
from klokken.audit.question import Found, Site
from klokken.audit.summary import SHOWN, sentences, summary
from klokken.audit.verdict import Audit, allowed, audit
from klokken.errors import Exit, InputError, MachineError
from klokken.writes import Write
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def write(text: str = "a", outcome: str = "acknowledged", sent: float = 1.0, **more: Any) -> Write:
    acknowledged = outcome == "acknowledged"
    body: dict[str, Any] = {
        "pupil": 7, "username": "elev7", "cell": 1, "path": "eksamen/svar.odt", "kind": "autosave",
        "sha256": digest(text), "size": len(text), "sent": sent, "outcome": outcome,
        "status": 204 if acknowledged else None, "etag": text if acknowledged else "",
        "acknowledged": sent + 0.1 if acknowledged else None, "late": False,
    }  # fmt: skip
    return Write.model_validate({**body, **more})


def found(text: str | None, **more: Any) -> Found:
    body: dict[str, Any] = {
        "username": "elev7", "path": "eksamen/svar.odt", "status": 404 if text is None else 200,
        "sha256": None if text is None else digest(text), "size": len(text or ""), "etag": "",
        "modified": "", "copies": [], "cause": "",
    }  # fmt: skip
    return Found.model_validate({**body, **more})


def judged(log: Sequence[Write], *documents: Found) -> Audit:
    return audit("a-run", log, documents, NOW, NOW)


attempts = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["acknowledged", "refused", "unknown"])),
    min_size=1,
    max_size=8,
).map(lambda tries: [write(text, outcome, sent=n) for n, (text, outcome) in enumerate(tries)])


@given(attempts, st.sampled_from([*"abcde", None]))
def test_a_document_is_as_last_acknowledged_or_as_sent_after_that_without_an_answer(
    log: list[Write], there: str | None
) -> None:
    outcome = judged(log, found(there))
    receipts = [n for n, w in enumerate(log) if w.outcome == "acknowledged"]
    if not receipts:
        assert outcome.acknowledged == 0
        return
    right = {log[receipts[-1]].sha256}
    right |= {w.sha256 for w in log[receipts[-1] :] if w.outcome == "unknown"}
    kept = there is not None and digest(there) in right
    assert (outcome.present, len(outcome.lost)) == ((1, 0) if kept else (0, 1))
    assert outcome.exit == (Exit.PASS if kept else Exit.FAIL)


@given(attempts, st.randoms())
def test_the_order_of_lines_in_the_log_is_no_matter(log: list[Write], chance: Any) -> None:
    mixed = chance.sample(log, len(log))
    assert judged(mixed, found("a")) == judged(log, found("a"))


@given(st.dictionaries(st.integers(0, 30), st.sampled_from(["kept", "lost", "broken", "silent"])))
def test_every_acknowledged_document_is_present_lost_or_unread(fates: dict[int, str]) -> None:
    log = [write(username=f"elev{n}") for n in fates]
    answers = {"kept": found("a"), "lost": found(None), "broken": found(None, cause="status 500")}
    there = [
        answers[fate].model_copy(update={"username": f"elev{n}"})
        for n, fate in fates.items()
        if fate != "silent"
    ]
    outcome = judged(log, *there)
    parts = (outcome.present, len(outcome.lost), len(outcome.unread))
    count = list(fates.values()).count
    assert parts == (count("kept"), count("lost"), count("broken") + count("silent"))
    assert sum(parts) == outcome.acknowledged
    if outcome.lost or not fates:
        assert outcome.exit == Exit.FAIL
    else:
        assert outcome.exit == (Exit.MACHINE if outcome.unread else Exit.PASS)


def test_a_document_that_cannot_be_read_is_never_taken_for_present() -> None:
    assert judged([write()]).unread[0].cause == "the reader did not come to it"
    listed = judged([write()], found("a", cause="folder eksamen: status 500"))
    assert (listed.present, listed.exit) == (0, Exit.MACHINE)


def test_a_refused_write_leaves_what_was_there() -> None:
    assert allowed([write("a"), write("b", "refused", 2)]) == {digest("a")}


def test_an_attempt_that_was_sent_before_the_last_receipt_is_not_allowed() -> None:
    log = [write("a", "unknown", 1), write("b", sent=2)]
    assert judged(log, found("a")).lost[0].found == "older"
    assert judged(log, found("z")).lost[0].found == "foreign"
    assert judged(log, found(None)).lost[0].found == "missing"


@pytest.mark.parametrize(
    ("log", "copies", "doubled"),
    [
        ([write(kind="handin")], [], 0),
        ([write(kind="handin"), write(kind="handin", sent=2)], [], 0),
        ([write(kind="handin"), write(kind="handin", sent=2, etag="other")], [], 1),
        ([write("a", kind="handin"), write("b", kind="handin", sent=2)], [], 1),
        ([write("a"), write("b", sent=2)], [], 0),
        ([write("b")], ["svar (conflicted copy).odt"], 1),
    ],
)
def test_a_hand_in_stored_in_two_versions_and_a_copy_beside_a_document_are_duplicates(
    log: list[Write], copies: list[str], doubled: int
) -> None:
    outcome = judged(log, found("b", copies=copies))
    assert len(outcome.duplicated) == doubled


def test_pupils_who_handed_in_are_counted_once_each() -> None:
    log = [
        write(kind="handin"),
        write(kind="handin", sent=2),
        write(kind="handin", username="elev8"),
        write(kind="handin", outcome="refused", username="elev9"),
        write(username="elev9"),
    ]
    outcome = judged(log)
    assert outcome.handed_in == 2
    assert [outcome.missing(sat) for sat in (2, 3)] == [False, True]
    older = Audit.model_validate(outcome.model_dump(exclude={"handed_in"}))
    assert not older.missing(3)


def test_an_exam_in_which_nothing_was_acknowledged_fails(tmp_path: Path) -> None:
    (tmp_path / "writes.jsonl").write_text(write(outcome="refused").model_dump_json())
    outcome = audits.run(tmp_path, inventory())
    assert outcome.exit == Exit.FAIL
    assert summary(outcome).startswith("Not a single document was acknowledged.")


def test_a_hand_in_acknowledged_after_the_deadline_is_late() -> None:
    assert judged([write(kind="handin", late=True)], found("a")).late == 1
    assert judged([write(late=True)], found("a")).late == 0
    assert judged([write(kind="handin", outcome="refused", late=True)], found("a")).late == 0


def test_a_summary_names_the_first_lost_documents_and_counts_the_rest() -> None:
    log = [write(username=f"elev{n}") for n in range(SHOWN + 5)]
    text = summary(judged(log, *(found(None, username=w.username) for w in log)))
    assert text.count("LOST elev") == SHOWN
    assert "… and 5 more" in text
    assert "acknowledged 25, present 0, lost 25, duplicated 0, late 0, unread 0" in text


def test_what_was_found_is_one_sentence_in_danish_and_in_english() -> None:
    assert sentences(judged([write()], found("a"))).en.startswith("None of 1 ")
    assert sentences(judged([write()], found(None))).da.startswith("1 af 1 ")
    assert "nothing proven" in sentences(judged([write()])).en


def test_the_reader_is_asked_for_each_document_once_on_the_pupils_own_cell() -> None:
    log = [write(), write("b", sent=2), write(path="æ.odt"), write(username="elev8", cell=2)]
    question = Site("skole.test").question(log)
    assert question["pupils"] == [
        {"username": "elev7", "host": "drive1.skole.test", "paths": ["eksamen/svar.odt", "æ.odt"]},
        {"username": "elev8", "host": "drive2.skole.test", "paths": ["eksamen/svar.odt"]},
    ]
    assert question["login"] == "login.skole.test"


def test_a_log_is_read_as_it_was_written(tmp_path: Path) -> None:
    log = [write(), write("b", "unknown", 2), write("c", "refused", 3)]
    path = tmp_path / "writes.jsonl"
    path.write_text("".join(w.model_dump_json() + "\n" for w in log))
    assert list(writes.read(path)) == log


@pytest.mark.parametrize("line", [b"", b"{", b"[]", b"{}", b"\xff", b'{"pupil": -1}'])
def test_a_broken_log_is_one_line_that_names_it(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "writes.jsonl"
    path.write_bytes(write().model_dump_json().encode() + b"\n" + line + b"\n")
    with pytest.raises(MachineError, match="line 2") as caught:
        list(writes.read(path))
    assert "\n" not in str(caught.value)


def test_a_run_that_is_not_there_or_no_exam_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such run"):
        audits.folder_of(str(tmp_path / "none"))
    with pytest.raises(InputError, match="no such file"):
        audits.run(audits.folder_of(str(tmp_path)), inventory())
    with pytest.raises(InputError, match="give --stack"):
        audits.stack_of(tmp_path)
    (tmp_path / "results.json").write_text('{"plan": {"stack": "lab"}}')
    assert audits.stack_of(tmp_path) == "lab"
