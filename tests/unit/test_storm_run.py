"""A storm from here: what is in its folder when all went well, and when something did not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from klokken import report, telemetry
from klokken.errors import InputError, MachineError
from klokken.results import MachineFacts, Results, Verdict
from klokken.storm import remains, run
from klokken.storm.outcome import Surroundings
from klokken.storm.summary import summary
from tests import storms
from tests.unit.site_of_folders import journal
from tests.unit.test_plan import inventory
from tests.unit.test_verdict import record

if TYPE_CHECKING:
    from pathlib import Path

FACTS = MachineFacts(cpu_model="a test", cores=2, memory_bytes=1, kernel="none")
PLAN = storms.plan(100)


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have storms rung that leave their record in a folder of ours."""
    monkeypatch.setattr(run, "RESULTS", tmp_path)
    monkeypatch.setattr(telemetry, "machine_facts", lambda *_: FACTS)
    monkeypatch.setattr(telemetry, "versions", lambda *_: {"edge1 haproxy": "3"})
    monkeypatch.setattr(telemetry, "tier_cpu", lambda *_: {})
    rung(monkeypatch)
    return tmp_path


def rung(monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    def ring(_: Any, planned: Any, folder: Path, **__: Any) -> Any:
        found = record(planned.offered, **changes)
        (folder / "record.json").write_text(found.model_dump_json())
        return found

    monkeypatch.setattr(run, "ring", ring)


def test_a_storm_leaves_a_folder_with_all_there_is(results: Path) -> None:
    found, folder = run.storm(inventory(), PLAN)
    assert folder == results / PLAN.run
    assert [path.name for path in results.iterdir()] == [PLAN.run]
    left = {path.name for path in folder.iterdir()}
    assert left == {"record.json", "results.json", "latency.hlog", "report.html"}
    assert json.loads((folder / "results.json").read_text())["verdict"] == found.verdict


def test_a_storm_that_was_cut_short_judges_nothing_and_says_why(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    why = "the master was lost after 42 s of 90: its unit ended by signal"
    rung(monkeypatch, cut_short=why)
    found, folder = run.storm(inventory(), PLAN)
    assert results
    assert found.verdict is Verdict.INVALID
    assert found.invalid_because[0] == why
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Stormen blev afbrudt" in page
    assert why in page


def test_a_storm_that_was_not_rung_leaves_nothing(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ring(_: Any, __: Any, folder: Path, **___: Any) -> Any:
        assert folder.exists()
        raise MachineError("loadgen1: no")

    monkeypatch.setattr(run, "ring", ring)
    with pytest.raises(MachineError, match=r"^loadgen1: no$"):
        run.storm(inventory(), PLAN)
    assert list(results.iterdir()) == []


@pytest.mark.parametrize("name", ["results.json", "latency.hlog"])
def test_a_full_disk_leaves_what_was_recorded_and_says_where(
    results: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def full(*_: Any) -> dict[str, Any]:
        (results / PLAN.run / f"{name}.part").symlink_to("/dev/full")
        return {}

    monkeypatch.setattr(telemetry, "tier_cpu", full)
    found, folder = run.storm(inventory(), PLAN)
    assert found.verdict is Verdict.INVALID
    reason = f"{folder}: the results cannot be written (No space left on device)"
    assert found.invalid_because == [f"{reason}; what was recorded is in {folder}"]
    assert (folder / "record.json").exists()
    assert not (folder / "results.json").exists()
    told = summary(found, folder)
    assert told.startswith("INVALID: ")
    assert "report.html" not in told


def test_results_are_made_of_what_was_kept_once_there_is_room(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = results / PLAN.run / "report.html"

    def no_room(*_: Any) -> Path:
        raise MachineError(f"{full}: cannot be written (No space left on device)")

    with monkeypatch.context() as patch:
        patch.setattr(report, "write", no_room)
        found, folder = run.storm(inventory(), PLAN)
    assert found.verdict is Verdict.INVALID
    assert {path.name for path in folder.iterdir()} >= {"record.json", "plan.json"}
    assert remains.reported(folder) == full
    made = Results.read(folder / "results.json")
    assert (made.verdict, made.machine, made.completed) == (Verdict.PASS, FACTS, found.completed)
    assert not (folder / "plan.json").exists()


def test_metrics_that_are_gone_at_the_end_take_no_results_with_them(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def gone(*_: Any) -> dict[str, Any]:
        raise MachineError("metrics1: Prometheus does not answer")

    monkeypatch.setattr(telemetry, "tier_cpu", gone)
    found, folder = run.storm(inventory(), PLAN)
    assert (found.verdict, found.tiers) == (Verdict.PASS, {})
    assert folder == results / PLAN.run
    said = "metrics1: Prometheus does not answer; the results are without the CPU of the tiers\n"
    assert capsys.readouterr().err == said
    assert "No CPU was sampled in this storm." in (folder / "report.html").read_text("utf-8")


@pytest.mark.heavy
@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "results.json: there is no such file"),
        ({"plan.json": "{}"}, "plan.json: is no plan of a storm"),
        ({"plan.json": PLAN.model_dump_json()}, "holds no record of a storm"),
        ({"plan.json": PLAN.model_dump_json(), "journal.jsonl": ""}, "holds no record of a storm"),
    ],
)
def test_a_folder_that_holds_no_storm_is_one_line(
    tmp_path: Path, files: dict[str, str], said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said) as told:
        remains.reported(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.heavy
def test_a_storm_whose_command_was_killed_is_reported_of_its_journal(tmp_path: Path) -> None:
    remains.begin(tmp_path, PLAN, Surroundings(FACTS))
    (tmp_path / "journal.jsonl").write_text(journal())
    remains.reported(tmp_path)
    found = Results.read(tmp_path / "results.json")
    assert found.verdict is Verdict.INVALID
    assert "`klokken storm` ended before its storm did" in found.invalid_because[0]
    assert (found.completed, found.dropped, found.machine) == (1, 99, FACTS)
