"""The fleet of load generators that a peak needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken.errors import InputError
from klokken.profile import Profile
from klokken.storm import crowd as crowds
from klokken.storm import fleet
from klokken.storm.crowd import Crowd
from klokken.storm.fleet import derive
from klokken.storm.plan import plan_dry_run
from tests import storms

PEAKS = st.floats(0, 1e5)
CPUS = st.floats(1e-5, 1.0)
SIZES = st.floats(0, 1e6, allow_subnormal=False)
CROWDS = st.builds(Crowd, SIZES, SIZES, st.floats(0, 1e4), st.just(("", "", "")))
NOBODY = Crowd(0, 0, 0, ("", "", ""))


def stalled(pupils: float) -> Crowd:
    """Return a crowd of so many, each on one connection, while others close as many a minute."""
    return Crowd(pupils, pupils, pupils / 60, ("a", "b", "c"))


def test_the_whole_of_bavaria_needs_a_dozen_workers() -> None:
    assert derive(3989, 0.0016, NOBODY).workers == 13


@given(PEAKS, CPUS, CROWDS)
def test_a_fleet_carries_its_peak(peak: float, cpu: float, crowd: Crowd) -> None:
    found = derive(peak, cpu, crowd)
    room = 1 + 1e-9
    remembered = 120 * crowd.closed_per_second
    assert peak * cpu <= fleet.PLANNED_CORES * found.workers * room
    assert crowd.pupils <= fleet.MOST_BUSY * found.workers * room
    assert crowd.ports >= crowd.connections + remembered / 2
    assert crowd.ports <= fleet.PORTS * found.source_addresses * room
    assert crowd.connections <= (found.open_files - fleet.OTHER_FILES) * found.workers * room
    assert crowd.connections + remembered <= found.conntrack * room


@given(PEAKS, PEAKS, CPUS, CROWDS)
def test_a_higher_peak_never_needs_less(one: float, other: float, cpu: float, crowd: Crowd) -> None:
    low, high = (derive(p, cpu, crowd) for p in sorted([one, other]))
    assert low.workers <= high.workers


@given(PEAKS, CPUS, CROWDS)
def test_the_workers_derived_can_give_the_rate(peak: float, cpu: float, crowd: Crowd) -> None:
    found = derive(peak, cpu, crowd)
    found.check(found.workers)


def test_too_few_workers_are_refused_with_how_many_there_should_be() -> None:
    found = derive(3989, 0.0016, NOBODY)
    with pytest.raises(InputError, match=r"workers: 4 would use 1\.60 .* give 13 workers") as told:
        found.check(4)
    assert "\n" not in str(told.value)


def test_workers_that_could_not_hold_who_waits_for_a_stalled_site_are_refused() -> None:
    found = derive(3989, 0.0016, stalled(159_560))
    assert found.workers == 20
    found.check(20)
    with pytest.raises(InputError, match=r"workers: 13 would have 12,274 pupils .* give 20 w"):
        found.check(13)


def test_the_derivation_shows_every_figure() -> None:
    found = derive(3989, 0.0016, stalled(120_000))
    shown = "\n".join(found.lines())
    for figure in (found.workers, found.source_addresses, found.open_files, found.conntrack):
        assert f"{figure:,}" in shown
    assert "pupils at once: 120,000 = a" in shown
    assert "connections open: 120,000 = b" in shown
    assert "connections closed a second: 2,000.0 = c" in shown


def test_a_plan_needs_what_its_peak_does() -> None:
    plan = plan_dry_run(Profile.named("bavaria"), run="a-run")
    found = fleet.of(plan)
    # The bell's formula gives 1.2 million with a spread of 120 s 3,989 a second at its top.
    assert found.peak_per_second == pytest.approx(3989, rel=0.03)
    assert 16 <= found.workers <= 32
    assert fleet.of_dry_run(plan).workers < found.workers
    assert fleet.of_dry_run(plan).crowd.connections == 0


def test_an_exam_holds_a_connection_for_everybody_who_sits_it() -> None:
    country = storms.country_exam()
    crowd = fleet.of(country).crowd
    assert crowd.pupils == 68_600
    # Beside them stand the logins of 30 s, at some 90 a second.
    assert 68_600 + 2_000 < crowd.connections < 68_600 + 4_000
    # A drive that does not answer is asked again after 20 s, on another connection.
    assert crowd.closed_per_second == pytest.approx(68_600 / 20, rel=0.05)
    assert fleet.of(country).workers == 9


def test_a_morning_is_as_long_as_its_thoughts_and_its_patience() -> None:
    morning = plan_dry_run(Profile.named("denmark-morning"), run="a-run", fraction=0.01)
    crowd = fleet.of(morning).crowd
    peak = fleet.of(morning).peak_per_second
    # Half of all think 8 s at most, five times on the way, and wait for 30 s in all.
    assert crowd.pupils == pytest.approx(peak * 70, rel=0.01)
    assert crowd.connections == pytest.approx(crowd.pupils * 3)
    # A login that does not come is begun anew after 15 s.
    assert crowd.closed_per_second == pytest.approx(peak * 3 * 2)


def test_nobody_comes_again_where_a_profile_has_no_people() -> None:
    crowd = crowds.of(storms.plan(100, patience_seconds=20.0), 10.0)
    assert (crowd.pupils, crowd.connections, crowd.closed_per_second) == (200, 200, 10)
