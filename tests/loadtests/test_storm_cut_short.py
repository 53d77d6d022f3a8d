"""A storm whose master is lost, on loopback: rung once, and what was heard can be added up."""

from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING

import pytest

from klokken.errors import Exit
from klokken.paths import PROJECT
from klokken.record import Record
from klokken.results import MachineFacts, Results, Verdict
from klokken.storm.folder import JOURNAL
from klokken.storm.outcome import Surroundings, results
from tests.loadtests.double import Double
from tests.loadtests.rehearsal import Rehearsal, free_port, plan_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

LOST = "the master was lost after 3 s of 9"
FEW = 4


@dataclass
class Cut:
    """What is left of a storm, and what the masters said at their ends."""

    results: Results
    logins: list[str]
    said: str
    codes: list[int]


def salvaged(folder: Path, run_folder: Path) -> subprocess.CompletedProcess[str]:
    """Make the record of what is in `run_folder`, as after the loss of a host."""
    kept = folder / "kept"
    kept.mkdir()
    for path in (folder / "plan.json", run_folder / JOURNAL):
        shutil.copy(path, kept)
    return subprocess.run(
        [sys.executable, "-m", "loadtests.salvage", str(kept), LOST],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def ring(folder: Path, *, again: bool = False, largest: int = 0) -> Cut:
    """Ring a storm whose master is killed, or cannot write files larger than `largest` bytes."""
    folder.mkdir()
    through = ("prlimit", f"--fsize={largest}", "--") if largest else ()
    with Double(folder) as site:
        plan = plan_for(site, closes=time(8, 0, 5))
        with Rehearsal(site, plan, folder, free_port(), through=through) as rehearsal:
            masters = [rehearsal.master]
            rehearsal.wait_for_progress(started=FEW)
            if not largest:
                rehearsal.master.kill()
            if again:
                masters.append(rehearsal.start_master())
            said = "".join(master.communicate(timeout=100)[0] for master in masters)
            assert salvaged(folder, rehearsal.run_folder).returncode == 0
        logins = list(site.logins)
    record = Record.read(folder / "kept" / "record.json")
    facts = MachineFacts(cpu_model="a test", cores=1, memory_bytes=1, kernel="none")
    codes = [master.returncode for master in masters]
    return Cut(results(plan, record, Surroundings(facts)), logins, said, codes)


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Cut]]:
    """Ring both storms at once: they mostly wait."""
    folder = tmp_path_factory.mktemp("storms")
    with ThreadPoolExecutor() as pool:
        killed = pool.submit(ring, folder / "killed", again=True)
        full = pool.submit(ring, folder / "full", largest=5_000)
        yield {"killed": killed.result(), "full": full.result()}


@pytest.mark.parametrize("how", ["killed", "full"])
def test_a_storm_without_its_master_is_invalid_and_what_was_heard_is_kept(
    cut: dict[str, Cut], how: str
) -> None:
    found = cut[how].results
    assert found.verdict is Verdict.INVALID
    assert found.invalid_because[0] == LOST
    assert found.started_journeys >= FEW
    assert found.completed > 0
    assert found.classes["login"].ok == found.completed


@pytest.mark.parametrize("how", ["killed", "full"])
def test_the_counts_of_a_storm_cut_short_add_up(cut: dict[str, Cut], how: str) -> None:
    found = cut[how].results
    assert found.offered == found.plan.offered == found.started_journeys + found.dropped
    assert found.started_journeys == found.completed + found.failed
    assert not [reason for reason in found.invalid_because if "add up" in reason]


def test_a_restarted_master_does_not_ring_twice(cut: dict[str, Cut]) -> None:
    killed = cut["killed"]
    assert killed.codes == [-9, Exit.MACHINE]
    assert "this storm was rung already, and is not rung twice" in killed.said
    assert len(killed.logins) == len(set(killed.logins))


def test_a_full_disk_ends_the_storm_with_one_line(cut: dict[str, Cut]) -> None:
    full = cut["full"]
    assert full.codes == [Exit.MACHINE], full.said
    assert full.said.count("cannot be written") == 1
    # The driver takes the last line for the reason.
    assert full.said.endswith("journal.jsonl: cannot be written (File too large)\n")
    assert "Traceback" not in full.said


def test_a_journal_without_a_storm_holds_no_record(tmp_path: Path) -> None:
    with Double(tmp_path) as site:
        (tmp_path / "plan.json").write_text(plan_for(site).model_dump_json())
    (tmp_path / JOURNAL).write_text("")
    done = salvaged(tmp_path, tmp_path)
    assert done.returncode != 0
    assert done.stderr.endswith("journal.jsonl: the storm had not begun\n")
