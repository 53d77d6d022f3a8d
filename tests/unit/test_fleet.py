"""The fleet of load generators that a peak needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken.errors import InputError
from klokken.profile import Profile
from klokken.storm import fleet
from klokken.storm.fleet import derive
from klokken.storm.plan import plan_dry_run

PEAKS = st.floats(0, 1e5)
CPUS = st.floats(1e-5, 1.0)
HELD = st.floats(0, 300)
CONNECTIONS = st.integers(1, 10)


def test_the_whole_of_bavaria_needs_a_dozen_workers() -> None:
    found = derive(3989, 1, 0.0016, held_seconds=1.0)
    assert (found.workers, found.source_addresses) == (13, 9)


@given(PEAKS, CONNECTIONS, CPUS, HELD)
def test_a_fleet_carries_its_peak(peak: float, connections: int, cpu: float, held: float) -> None:
    found = derive(peak, connections, cpu, held_seconds=held)
    opened = peak * connections
    room = 1 + 1e-9
    assert peak * cpu <= fleet.PLANNED_CORES * found.workers * room
    assert peak * held <= fleet.MOST_BUSY * found.workers * room
    assert opened * (held + fleet.TIME_WAIT_SECONDS) <= fleet.PORTS * found.source_addresses * room
    assert opened * held <= (found.open_files - fleet.OTHER_FILES) * found.workers * room
    assert opened * held <= found.conntrack * room


@given(PEAKS, PEAKS, CONNECTIONS, CPUS, HELD)
def test_a_higher_peak_never_needs_less(
    one: float, other: float, connections: int, cpu: float, held: float
) -> None:
    low, high = (derive(p, connections, cpu, held_seconds=held) for p in sorted([one, other]))
    assert low.workers <= high.workers
    assert low.source_addresses <= high.source_addresses
    assert low.conntrack <= high.conntrack


@given(PEAKS, CONNECTIONS, CPUS, HELD)
def test_the_workers_derived_can_give_the_rate(
    peak: float, connections: int, cpu: float, held: float
) -> None:
    found = derive(peak, connections, cpu, held_seconds=held)
    found.check(found.workers)


def test_too_few_workers_are_refused_with_how_many_there_should_be() -> None:
    found = derive(3989, 1, 0.0016, held_seconds=1.0)
    with pytest.raises(InputError, match=r"workers: 4 would use 1\.60 .* give 13 workers") as told:
        found.check(4)
    assert "\n" not in str(told.value)


def test_workers_that_could_not_hold_who_waits_for_a_stalled_site_are_refused() -> None:
    found = derive(3989, 1, 0.0016, held_seconds=40.0)
    assert found.workers == 20
    found.check(20)
    with pytest.raises(InputError, match=r"workers: 13 would have 12,274 pupils .* give 20 w"):
        found.check(13)


def test_the_derivation_shows_every_figure() -> None:
    found = derive(3989, 2, 0.0016, held_seconds=30.0)
    shown = "\n".join(found.lines())
    for figure in (found.workers, found.source_addresses, found.open_files, found.conntrack):
        assert f"{figure:,}" in shown


def test_a_plan_needs_what_its_peak_does() -> None:
    plan = plan_dry_run(Profile.named("bavaria"), run="a-run")
    found = fleet.of(plan)
    # The bell's formula gives 1.2 million with a spread of 120 s 3,989 a second at its top.
    assert found.peak_per_second == pytest.approx(3989, rel=0.03)
    assert 16 <= found.workers <= 32
    assert fleet.of_dry_run(plan).workers < found.workers
