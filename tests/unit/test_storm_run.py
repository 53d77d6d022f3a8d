"""A storm from here: what is in its folder when all went well, and when something did not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from klokken import telemetry
from klokken.errors import MachineError
from klokken.results import MachineFacts, Verdict
from klokken.storm import run
from tests import storms
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
        folder.mkdir()
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
        folder.mkdir()
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
    with pytest.raises(MachineError) as told:
        run.storm(inventory(), PLAN)
    folder = results / PLAN.run
    assert str(told.value) == (
        f"{folder}: the results cannot be written (No space left on device);"
        f" what was recorded is in {folder}"
    )
    assert (folder / "record.json").exists()
    assert not (folder / "results.json").exists()
