"""The load generator as it really runs: Locust processes, TLS, sockets - all on 127.0.0.1."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING, Any

import pytest

from klokken.results import MachineFacts, Results, Verdict
from klokken.storm.outcome import Surroundings, results
from tests.loadtests.double import Double
from tests.loadtests.rehearsal import Rehearsal, free_port, plan_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

STALL_SECONDS = 2.0


@dataclass
class Rung:
    """A storm that is over."""

    results: Results
    dropped: dict[str, int]
    site: Double
    progress: list[Any]


def ring(folder: Path, *, kill_one: bool = False, **site_options: Any) -> Rung:
    """Ring a storm of about thirty pupils in five seconds with two workers."""
    folder.mkdir()
    with Double(folder, **site_options) as site:
        plan = plan_for(site, closes=time(8, 0, 5))
        with Rehearsal(site, plan, folder, free_port()) as rehearsal:
            if kill_one:
                rehearsal.wait_for_progress(started=4)
                rehearsal.workers[0].kill()
            record = rehearsal.record()
            progress = (rehearsal.run_folder / "progress.jsonl").read_text().splitlines()
    facts = MachineFacts(cpu_model="a test", cores=1, memory_bytes=1, kernel="none")
    found = results(plan, record, Surroundings(facts))
    return Rung(found, record.dropped, site, [json.loads(line) for line in progress])


@pytest.fixture(scope="module")
def rung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rung]]:
    """Ring both storms at once: they mostly wait."""
    folder = tmp_path_factory.mktemp("storms")
    with ThreadPoolExecutor() as pool:
        stalled = pool.submit(
            ring,
            folder / "stalled",
            stall_at=9,
            stall_seconds=STALL_SECONDS,
            keycloak_options={"forgetful": {"elev0000010"}},
        )
        killed = pool.submit(ring, folder / "killed", kill_one=True)
        yield {"stalled": stalled.result(), "killed": killed.result()}


@pytest.fixture
def stalled(rung: dict[str, Rung]) -> Rung:
    return rung["stalled"]


@pytest.fixture
def killed(rung: dict[str, Rung]) -> Rung:
    return rung["killed"]


def test_a_stall_of_the_site_holds_up_no_arrival(stalled: Rung) -> None:
    found = stalled.results
    assert found.offered == found.started_journeys == found.plan.offered
    assert found.dropped == 0
    assert stalled.site.connections == found.plan.offered


def test_a_stall_of_the_site_is_seen_in_full(stalled: Rung) -> None:
    assert stalled.results.classes["login"].intended.p99 >= STALL_SECONDS
    assert stalled.results.classes["login_page"].intended.p99 >= STALL_SECONDS
    assert stalled.results.classes["login"].intended.p95 > STALL_SECONDS / 2


def test_what_is_recorded_is_what_the_site_saw(stalled: Rung) -> None:
    found, site = stalled.results, stalled.site
    assert set(found.classes) == {"login", "login_page", "password", "token"}
    assert found.completed == len(site.logins) == len(set(site.logins))
    assert found.classes["token"].requests == found.completed
    assert found.classes["password"].failures.get("form again", 0) == found.failed
    assert sum(i.completed for i in found.intervals) == found.completed


def test_the_progress_ends_with_the_totals(stalled: Rung) -> None:
    last = stalled.progress[-1]
    assert [line["done"] for line in stalled.progress] == [False] * len(stalled.progress[:-1]) + [
        True
    ]
    assert last["started"] == stalled.results.started_journeys
    assert last["completed"] == stalled.results.completed


def test_such_a_storm_adds_up(stalled: Rung) -> None:
    # This machine may be busy with other tests; that alone would be said here.
    reasons = [r for r in stalled.results.invalid_because if "late" not in r and "cores" not in r]
    assert reasons == []


def test_a_worker_that_is_killed_makes_the_storm_invalid(killed: Rung) -> None:
    assert killed.results.verdict is Verdict.INVALID
    assert killed.results.generator.lost_workers == 1
    reasons = [r for r in killed.results.invalid_because if "late" not in r and "cores" not in r]
    cut_off = killed.results.classes["login"].failures.get("worker lost", 0)
    counts = f"{killed.results.dropped} pupils before and {cut_off} in their journeys"
    assert reasons == [f"1 of 2 workers were lost, and with them {counts}"]


def test_a_worker_that_is_killed_loses_no_count(killed: Rung) -> None:
    found = killed.results
    assert found.offered == found.plan.offered == found.started_journeys + found.dropped
    assert found.started_journeys == found.completed + found.failed + found.abandoned
    assert found.dropped > 0
    assert killed.dropped == {"worker lost": found.dropped}
    assert not [r for r in found.invalid_because if "add up" in r]


def test_a_site_outside_the_stack_is_refused_with_one_line(tmp_path: Path) -> None:
    with Double(tmp_path) as site:
        plan = plan_for(site, workers=1)
        with Rehearsal(site, plan, tmp_path, free_port(), allowed="198.18.0.51") as rehearsal:
            for process in (rehearsal.master, *rehearsal.workers):
                said, _ = process.communicate(timeout=120)
                assert process.returncode == 2
                line = "storm: 127.0.0.1: resolves to 127.0.0.1, which is no edge of this stack"
                assert said.startswith(line)
                assert said.count("\n") == 1
    assert site.connections == 0
