"""The benchmark of the simulator: what it asks of itself, and how its rounds read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks.simulator import bavaria
from benchmarks.simulator.__main__ import main
from benchmarks.simulator.document import document, goals, table
from benchmarks.simulator.outcome import Bavaria, Benchmark, Contest
from benchmarks.simulator.queue_models import with_simpy
from benchmarks.sizing.__main__ import main as sizing
from klokken.capacity.fluid import flow
from klokken.errors import MachineError
from klokken.results import MachineFacts

if TYPE_CHECKING:
    import click

WHEN = datetime(2026, 1, 5, 8, tzinfo=UTC)


def test_the_bavarian_platform_carries_every_second_with_headroom() -> None:
    people, ready, _ = bavaria.ready(1.0)
    assert len(people.due) == 1_200_000
    flowing = flow(ready, people.by_second())
    assert (flowing.load / flowing.capacity).max() < 0.7
    assert flowing.wait.max() == 0


def test_everybody_sends_a_dozen_requests_and_completes() -> None:
    found = bavaria.morning(0.001)
    assert found.requests == 12 * found.people == 12 * 1200


def test_a_platform_that_somebody_does_not_get_through_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(bavaria.HOSTS, "edge", (1, 1))
    monkeypatch.setitem(bavaria.PLACES, "edge", 1)
    with pytest.raises(MachineError, match=r"of 1,200 completed .*; give the platform more hosts"):
        bavaria.morning(0.001)


@pytest.mark.parametrize("command", [main, sizing])
def test_each_is_run_five_times(command: click.Command) -> None:
    assert [each.default for each in command.params if each.name == "rounds"] == [5]


def contest(name: str, *rates: float, **changes: Any) -> Contest:
    body: dict[str, Any] = {"visits": 1000, "events": 4.0, "mean": 1.0}
    return Contest(name=name, rates=list(rates), **(body | changes))


def morning(seconds: float, digest: str = "ab") -> Bavaria:
    return Bavaria(
        people=1_200_000,
        requests=14_400_000,
        visits=31_200_000,
        events=80_000_000,
        build_seconds=0.8,
        fluid_seconds=0.02,
        exact_seconds=seconds,
        exact_cpu_seconds=seconds - 1,
        hash=digest,
    )


def benchmark(*mornings: Bavaria) -> Benchmark:
    return Benchmark(
        started=WHEN,
        finished=WHEN,
        machine=MachineFacts(cpu_model="a test", cores=2, memory_bytes=2**34, kernel="6"),
        versions={"simpy": "4"},
        theory=1.0365,
        contests=[
            contest("SimPy", 40_000, 20_000, 50_000),
            contest("exact level, one core", 4e6, 3e6, 5e6),
            contest("sweep, one core", 1.2e7, 6e6, 1.25e7, events=None),
        ],
        bavaria=list(mornings),
    )


def test_each_round_is_set_against_simpy_in_the_same_round() -> None:
    found = benchmark(morning(15), morning(18), morning(30))
    assert "| SimPy | 1,000 | 0.04 (0.02 to 0.05) | 1 | 4.0 | 1.0000 |" in table(found)
    assert "| 4.00 (3.00 to 5.00) | 100 (100 to 150) | 4.0 | 1.0000 |" in table(found)
    assert "| 12.00 (6.00 to 12.50) | 300 (250 to 300) | - | 1.0000 |" in table(found)


def test_a_goal_of_seconds_is_reached_by_the_median_and_the_spread_is_beside_it() -> None:
    kept, missed = (
        goals(benchmark(*map(morning, seconds))) for seconds in ((15, 18, 30), (15, 21, 30))
    )
    assert "| yes | 18.0 (15.0 to 30.0) s, 17.0 (14.0 to 29.0) s of CPU time" in kept
    assert "| **no** | 21.0 (15.0 to 30.0) s" in missed
    assert "yes by sweep, one core, **no** by the exact level | 300 and 100 times" in kept


def test_the_page_gives_the_hash_of_all_rounds_which_is_one() -> None:
    assert "every round: `ab`.\n" in document(benchmark(morning(15), morning(18)))
    assert "every round: `ab` and `cd`.\n" in document(benchmark(morning(15), morning(18, "cd")))


def test_the_events_of_simpy_are_counted() -> None:
    # A time to wait, a process that begins and ends, a place, the work, and the place given back.
    assert with_simpy(100, 1).events == pytest.approx(6, abs=0.1)
