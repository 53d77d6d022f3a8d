"""A morning and an exam as they really run: Locust processes, TLS, sockets - all on 127.0.0.1."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from klokken import writes
from klokken.population import teachers
from klokken.profile import Profile
from klokken.results import MachineFacts, Results
from klokken.storm import fleet
from klokken.storm.outcome import Surroundings, results
from loadtests.exam import HANDIN
from tests.loadtests.double import Double
from tests.loadtests.rehearsal import Rehearsal, free_port, plan_for
from tests.loadtests.visit import profile_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loadtests.requests import Request

pytestmark = pytest.mark.slow

PUPILS = 24
# An exam of ten and a half seconds, once it is compressed.
EXAM = {"minutes": 10.5}


@dataclass
class Rung:
    """A storm that is over."""

    results: Results
    double: Double
    log: list[writes.Write]


def ring(folder: Path, journey: str) -> Rung:
    folder.mkdir()
    lost: list[bytes] = []

    def lose(request: Request) -> bool:
        """Lose the first answer to a hand-in."""
        if lost or not (request.method == "PUT" and request.target.endswith("Aflevering.txt")):
            return False
        lost.append(request.body)
        return True

    with Double(folder) as double:
        double.school.seed(range(PUPILS))
        double.school.seed_class(0, PUPILS)
        double.school.seed_class(1, PUPILS)
        double.school.lost = lose
        plan = plan_for(double, journey, **plan_changes(journey))
        with Rehearsal(double, plan, folder, free_port()) as rehearsal:
            record = rehearsal.record()
            log = list(writes.read(rehearsal.run_folder / writes.NAME))
    facts = MachineFacts(cpu_model="a test", cores=1, memory_bytes=1, kernel="none")
    return Rung(results(plan, record, Surroundings(facts)), double, log)


def plan_changes(journey: str) -> dict[str, object]:
    """Let everybody come within some seconds."""
    opens, closes = ("08:00", "08:00:04") if journey == "morning" else ("08:57", "09:00")
    even = {"kind": "uniform", "opens": opens, "closes": closes, "source": "A test."}
    exam = EXAM if journey == "exam" else {}
    profile = profile_of(journey, **exam).model_dump() | {"arrivals": even}
    return {
        "profile": Profile.model_validate(profile),
        "pupils": PUPILS,
        "patience_seconds": 30.0,
        "compression": 60.0 if exam else 1.0,
    }


@pytest.fixture(scope="module")
def rung(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Rung]]:
    """Ring both at once: they mostly wait."""
    folder = tmp_path_factory.mktemp("storms")
    with ThreadPoolExecutor() as pool:
        found = {name: pool.submit(ring, folder / name, name) for name in ("morning", "exam")}
        yield {name: one.result() for name, one in found.items()}


def sound(found: Results) -> list[str]:
    # This machine may be busy with other tests; that alone would be said here.
    return [r for r in found.invalid_because if "late" not in r and "cores" not in r]


def test_a_morning_adds_up(rung: dict[str, Rung]) -> None:
    found = rung["morning"].results
    assert sound(found) == []
    assert found.failed == 0
    assert found.completed == found.plan.offered == PUPILS + teachers(PUPILS)
    assert found.classes["save"].ok == found.classes["home"].ok == found.completed
    assert found.classes["class_folder"].ok == teachers(PUPILS)
    assert found.writes.attempted == 0


def test_an_exam_adds_up(rung: dict[str, Rung]) -> None:
    found = rung["exam"].results
    assert sound(found) == []
    assert found.completed == found.plan.offered == PUPILS
    assert found.classes["paper"].ok == 3 * PUPILS
    assert found.classes["exam"].intended.count == 0


def test_an_exam_leaves_a_log_of_every_write(rung: dict[str, Rung]) -> None:
    counts, log = rung["exam"].results.writes, rung["exam"].log
    assert counts.attempted == len(log) > 3 * PUPILS
    assert counts.acknowledged == sum(w.outcome == "acknowledged" for w in log)
    assert counts.attempted == counts.acknowledged + counts.refused + counts.unknown
    assert counts.unknown == 1
    assert counts.handins == PUPILS


def test_every_candidate_holds_a_connection_to_the_drive_and_the_fleet_counts_them(
    rung: dict[str, Rung],
) -> None:
    exam = rung["exam"]
    held = sum(exam.double.most_open[cell] for cell in exam.double.school.cells)
    assert held >= PUPILS
    # However little time somebody takes to sign in, they stay to the hand-in.
    brief = exam.results.plan.model_copy(update={"patience_seconds": 1.0})
    need = fleet.of(brief)
    assert held <= need.crowd.connections <= 2 * PUPILS
    assert held <= (need.open_files - fleet.OTHER_FILES) * need.workers
    assert held <= need.conntrack


def test_a_morning_holds_no_more_connections_than_the_fleet_counts(rung: dict[str, Rung]) -> None:
    morning = rung["morning"]
    assert 0 < morning.double.most_open["all"] <= fleet.of(morning.results.plan).crowd.connections


def test_every_handin_is_what_the_pupil_was_told(rung: dict[str, Rung]) -> None:
    exam = rung["exam"]
    told = {w.username: w for w in exam.log if (w.kind, w.outcome) == ("handin", "acknowledged")}
    assert len(told) == PUPILS
    for user, write in told.items():
        cell = list(exam.double.school.cells.values())[write.cell - 1]
        content, etag = cell.documents[user, HANDIN]
        assert (hashlib.sha256(content).hexdigest(), etag) == (write.sha256, write.etag)
        assert exam.results.started.timestamp() < write.sent <= (write.acknowledged or 0)
