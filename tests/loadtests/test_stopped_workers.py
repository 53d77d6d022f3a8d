"""Workers that are stopped in mid-storm, on loopback: no site is blamed for what pupils missed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import time
from typing import TYPE_CHECKING

import pytest

from klokken.record import WORKER_STOPPED
from klokken.results import MachineFacts, Results, Verdict
from klokken.storm.outcome import Surroundings, results
from klokken.storm.units import WATCHED
from tests.loadtests.double import Double
from tests.loadtests.rehearsal import Rehearsal, free_port, plan_for
from tests.loadtests.test_storm_watched import asked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadtests.requests import Request

pytestmark = pytest.mark.slow


@dataclass
class Rung:
    """A storm that is over, and how many pupils were `stopped` on their way."""

    results: Results

    @property
    def stopped(self) -> int:
        failures = self.results.classes["login"].failures
        return failures.get(f"login_page: {WORKER_STOPPED}", 0)

    @property
    def reasons(self) -> list[str]:
        # This machine may be busy with other tests; that alone would be said here.
        return [r for r in self.results.invalid_because if "late" not in r and "cores" not in r]


def ring(folder: Path, *, watched: bool) -> Rung:
    """Ring a storm at a site that answers nobody until all have come and workers are stopped.

    Where it is `watched`, all are stopped, from Locust's own page; else one, by SIGTERM.
    """
    folder.mkdir()
    web_port, answers = free_port(), threading.Event()
    options = (*WATCHED.split(), f"--web-port={web_port}") if watched else Rehearsal.options

    def hold(_: Request) -> None:
        answers.wait(100)

    with Double(folder) as site:
        site.school.instead = hold
        plan = plan_for(site, closes=time(8, 0, 3), patience_seconds=90.0)
        try:
            with Rehearsal(site, plan, folder, free_port(), options=options) as rehearsal:
                rehearsal.wait_for_progress(started=plan.offered)
                if watched:
                    asked(web_port, "/stop", "POST")
                    rehearsal.wait_for_the_end()
                    rehearsal.master.terminate()
                else:
                    rehearsal.workers[0].terminate()
                    rehearsal.workers[0].wait(100)
                answers.set()
                record = rehearsal.record()
        finally:
            answers.set()
    facts = MachineFacts(cpu_model="a test", cores=1, memory_bytes=1, kernel="none")
    return Rung(results(plan, record, Surroundings(facts)))


@pytest.fixture(scope="module")
def rung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rung]]:
    """Ring both at once: they mostly wait."""
    folder = tmp_path_factory.mktemp("storms")
    with ThreadPoolExecutor() as pool:
        found = {
            name: pool.submit(ring, folder / name, watched=name == "page")
            for name in ("page", "signal")
        }
        yield {name: one.result() for name, one in found.items()}


@pytest.mark.parametrize("how", ["page", "signal"])
def test_a_stopped_worker_makes_the_storm_invalid(rung: dict[str, Rung], how: str) -> None:
    found = rung[how]
    assert found.results.verdict is Verdict.INVALID
    assert found.stopped > 0
    [reason] = found.reasons
    assert reason.startswith("workers were stopped before the storm was over")
    assert reason.endswith(f"with them 0 pupils before and {found.stopped} in their journeys")


@pytest.mark.parametrize("how", ["page", "signal"])
def test_no_pupil_is_said_to_have_waited_in_vain(rung: dict[str, Rung], how: str) -> None:
    found = rung[how].results
    assert found.classes["login_page"].failures == {WORKER_STOPPED: rung[how].stopped}
    assert found.started_journeys == found.completed + found.failed == found.plan.offered


def test_all_are_stopped_from_the_page(rung: dict[str, Rung]) -> None:
    assert rung["page"].stopped == rung["page"].results.plan.offered


def test_the_other_worker_rings_on(rung: dict[str, Rung]) -> None:
    found = rung["signal"]
    assert found.results.completed == found.results.plan.offered - found.stopped > 0
