"""A journal that breaks off anywhere is still a storm whose pupils add up."""

from __future__ import annotations

import json
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from klokken import writes
from klokken.errors import MachineError
from klokken.profile import Profile
from klokken.record import Record
from klokken.storm.folder import JOURNAL
from klokken.writes import Write
from loadtests.books import shared_out
from loadtests.journal import Journal
from loadtests.record import Recorder
from loadtests.salvage import salvage
from tests import storms
from tests.examples import examples

if TYPE_CHECKING:
    from pathlib import Path

PUPILS = 12
WRITTEN = Write(
    pupil=0,
    username="elev0000001",
    cell=1,
    path="Prøve/Besvarelse.odt",
    kind="autosave",
    sha256="0" * 64,
    size=1,
    sent=1.0,
    outcome="unknown",
    status=None,
    etag="",
    acknowledged=None,
    late=False,
)


def entries() -> list[str]:
    """Return the journal of a storm of two workers, whose pupils come one a second."""
    pages = [("one", 0, 6, [1] * 6), ("two", 6, PUPILS, [1] * 6)]
    lines = [json.dumps(shared_out(pages, 1.8e9))]
    recorders = {name: Recorder("exam") for name, *_ in pages}
    for second in range(6):
        for name, recorder in recorders.items():
            recorder.offered(second)
            recorder.started(second, second)
            recorder.request("token", second, second, second + 0.2, None)
            recorder.wrote(WRITTEN)
            recorder.finished(second, second, second + 0.3, None)
            delta = recorder.take(second + 1.0, final=second == 5)
            lines.append(json.dumps({"delta": delta, "worker": name, "at": second + 1.0}))
    return [line + "\n" for line in lines]


WHOLE = "".join(entries())
ENDS = list(accumulate(len(line) for line in entries()))
FIRST = ENDS[0]


def salvaged(folder: Path, text: str) -> Record:
    plan = storms.plan(PUPILS, profile=Profile.named("exam"))
    (folder / "plan.json").write_text(plan.model_dump_json())
    (folder / JOURNAL).write_text(text)
    salvage(folder, "the master was lost")
    return Record.read(folder / "record.json")


@given(st.integers(FIRST, len(WHOLE)))
@example(len(WHOLE) - 1)
@settings(
    deadline=None,
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_journal_cut_anywhere_adds_up(tmp_path: Path, end: int) -> None:
    record = salvaged(tmp_path, WHOLE[:end])
    # An entry is whole without its newline; the first is the sharing out.
    heard = sum(end >= last - 1 for last in ENDS) - 1
    by = record.seconds
    assert sum(by.offered) == PUPILS == sum(by.started) + sum(by.dropped)
    assert sum(by.started) == sum(by.completed) + sum(by.failed) + sum(by.abandoned)
    assert sum(by.completed) == heard == record.writes.attempted
    assert len(list(writes.read(tmp_path / writes.NAME))) == heard
    assert record.dropped.get("worker lost", 0) == PUPILS - heard
    assert [worker.lost for worker in record.workers] == [heard < 11, heard < 12]
    assert record.cut_short == "the master was lost"


@pytest.mark.parametrize("end", [0, 1, FIRST - 2])
def test_a_journal_cut_before_the_opening_holds_no_storm(tmp_path: Path, end: int) -> None:
    with pytest.raises(MachineError, match="the storm had not begun"):
        salvaged(tmp_path, WHOLE[:end])


def test_a_journal_is_begun_once(tmp_path: Path) -> None:
    Journal(tmp_path).write({"shared": []})
    with pytest.raises(MachineError, match="is not rung twice"):
        Journal(tmp_path)
    assert (tmp_path / JOURNAL).read_text() == '{"shared": []}\n'
