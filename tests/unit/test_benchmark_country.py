"""The page of the benchmark with a whole country."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from benchmarks.country.document import document, goals, table
from benchmarks.country.outcome import Country, Run, Waiting
from klokken.results import Footprint, Latency, MachineFacts

WHEN = datetime(2026, 1, 5, 8, tzinfo=UTC)


def run(what: str, cores: float, lateness: float, **changes: Any) -> Run:
    late = Latency(count=1000, p50=lateness / 9, p95=0, p99=lateness, p999=lateness, max=lateness)
    body: dict[str, Any] = {
        "what": what,
        "workers": 1,
        "offered": 1_200_000,
        "started": 10_000,
        "rate": 1000.0,
        "cores": cores,
        "lateness": late,
        "footprint": Footprint(
            schedule_seconds=1.5,
            schedule_bytes=16 * 1_200_000,
            resident_bytes=230 * 2**20,
            proportional_bytes=180 * 2**20,
            cpu_seconds=4.0,
        ),
        "memory_bytes": 240 * 2**20,
        "invalid_because": [],
    }
    return Run.model_validate(body | changes)


def country(*steps: Run, **schedule: Any) -> Country:
    return Country(
        started=WHEN,
        finished=WHEN,
        machine=MachineFacts(cpu_model="a test", cores=2, memory_bytes=2**34, kernel="6"),
        versions={"locust": "2"},
        answer_seconds=0.05,
        profile="bavaria",
        pupils=1_200_000,
        fleet_workers=20,
        schedule=run("schedule", 0.1, 0.001, **schedule),
        peak=run("peak", 1.2, 0.02, workers=2),
        steps=list(steps),
        waiting=[Waiting(journey="login", parked=6000, with_greenlet=12_000)],
    )


STEPS = (run("500 a second", 0.25, 0.002), run("1000 a second", 0.5, 0.004), run("1500", 0.75, 0.1))


def test_goals_that_were_reached_are_said_to_be() -> None:
    found = goals(country(*STEPS))
    assert found.count("| yes |") == 5
    fleet = "4,252 MiB, derived: 212 MiB each, and the pupils | 400 MiB | no |"
    assert f"| the same over the 20 workers that it takes at a site | {fleet}" in found
    assert "| a pupil in the schedule | 16 bytes | 200 bytes | yes |" in found
    assert "| lateness p99.9 at 0.50 of a core | 4.0 ms | 10 ms | yes |" in found


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"memory_bytes": 500 * 2**20}, "| most of it while"),
        ({"footprint": Footprint(schedule_seconds=11.0)}, "| schedule ready after"),
        ({"footprint": Footprint(schedule_bytes=300 * 1_200_000)}, "| a pupil in the schedule"),
        ({"footprint": Footprint(resident_bytes=2**30)}, "| 1,200,000 waiting pupils"),
    ],
)
def test_a_goal_that_was_missed_is_said_to_be(changes: dict[str, Any], row: str) -> None:
    lines = goals(country(*STEPS, **changes)).splitlines()
    assert [line for line in lines if line.startswith(row) and line.endswith("| no |")]


def test_a_late_generator_misses_its_goal() -> None:
    late = goals(country(run("1000 a second", 0.5, 0.011)))
    assert "| lateness p99.9 at 0.50 of a core | 11.0 ms | 10 ms | no |" in late


def test_each_step_is_shown_per_worker() -> None:
    found = table(country(*STEPS))
    assert "| 1000 a second | 0.50 | 1,000 | 0.400 | 0.44 | 4.00 | 4.00 | 4.00 |" in found
    assert "| peak, each of 2 | 0.60 | 500 |" in found


def test_the_page_names_what_was_invalid() -> None:
    late = run("1500 a second", 0.75, 0.1, invalid_because=["the load generator was late"])
    assert "- 1500 a second: the load generator was late" in document(country(late))
    assert "Every run kept the limits" in document(country(*STEPS))
