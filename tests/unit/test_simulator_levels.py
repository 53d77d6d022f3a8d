"""Fluid, sweep and exact level: each against the next, where both apply."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.sweep import sweep
from klokken.capacity.engine.tally import ANSWERED, DOWN, LOST, percentile
from klokken.capacity.fluid import flow
from tests.unit.tiny_site import at, poisson, school, site

pytestmark = pytest.mark.heavy

calm_site = partial(site, cores=4, workers=4, queue=10**6, variation=0.0)


@pytest.mark.parametrize("workers", [3, 4, 1000])
@pytest.mark.parametrize("variation", [0.0, 1.0, 2.0])
def test_the_sweep_is_exact_where_a_journey_is_one_request(workers: int, variation: float) -> None:
    morning = poisson(330, seconds=60, seed=11)
    model = site(morning, cores=4, workers=workers, queue=10**6, variation=variation)
    quick, exact = sweep(model), simulate(model)
    np.testing.assert_array_equal(quick.counts, exact.counts)
    np.testing.assert_array_equal(quick.latency, exact.latency)


def test_the_sweep_is_near_at_a_light_load() -> None:
    # It draws a host where the exact level takes the one with the fewest requests.
    morning = poisson(5, seconds=300, seed=12)
    model = school(morning, workers=500, queue=1000, queue_seconds=900.0, patience=60.0)
    quick, exact = (run(model).latency[-1].sum(axis=0) for run in (sweep, simulate))
    for share in (0.5, 0.95):
        assert percentile(quick, share) == pytest.approx(percentile(exact, share), rel=0.05)


def test_a_flood_takes_the_fluid_s_time_to_drain() -> None:
    # 600 a second for a minute where 400 can be served, then nothing more.
    due = (np.arange(36_000) * (1e9 / 600)).astype(np.int64)
    morning = at(due)
    model = site(morning, cores=4, workers=4, queue=10**6, variation=0.1)
    flowing = flow(model, morning.by_second())
    exact = simulate(model).latency[0]
    assert flowing.wait.max() == pytest.approx(30.0, rel=0.01)
    assert percentile(exact.sum(axis=0), 1.0) == pytest.approx(flowing.wait.max(), rel=0.01)


def test_a_cold_host_gets_warm_by_the_visits_it_has_had() -> None:
    # 6,000 visits of 0.03 s take 45 s on four cores, the 30,000 of 0.01 s after them 75 s.
    due = (np.arange(36_000) * (1e9 / 600)).astype(np.int64)
    morning = at(due)
    model = site(morning, cores=4, workers=4, queue=10**6, variation=0.0, cold=6000)
    exact, flowing = simulate(model), flow(model, morning.by_second())
    assert exact.work.sum() == pytest.approx((6000 * 0.03 + 30_000 * 0.01) * 1e9, rel=1e-4)
    assert percentile(exact.latency[0, 0], 1.0) == pytest.approx(60.0, rel=0.1)
    capacity = flowing.capacity[0]
    assert list(capacity[[0, 44, 46]]) == pytest.approx([4 / 3, 4 / 3, 4])
    assert flowing.wait[0, 59] == pytest.approx(60.0, rel=0.01)
    longest = percentile(exact.latency[0].sum(axis=0), 1.0)
    assert flowing.wait.max() == pytest.approx(longest, rel=0.02)


def test_the_fluid_loses_the_cores_of_a_host_that_is_down_and_some_of_a_cold_one() -> None:
    morning = poisson(10, seconds=100, seed=1)
    flowing = flow(school(morning, kills=("identity@20+10",)), morning.by_second())
    identity = flowing.capacity[1]
    assert list(identity[[19, 20, 29]]) == [4, 2, 2]
    # Of 20 visits a second it has five cold and seven warming; 100 and 200 of them make it warm.
    assert identity[40] == pytest.approx(2 + 2 / 3)
    assert identity[65] == pytest.approx(2 + 2 / 2)
    assert identity[95] == 4


def test_who_comes_while_the_fluid_has_no_host_waits_until_one_is_back() -> None:
    morning = at((np.arange(6000) * (1e9 / 100)).astype(np.int64))
    wait = flow(calm_site(morning, kill="edge@20+10"), morning.by_second()).wait[0]
    assert wait[19] == 0
    # Who comes first waits ten seconds less what it came after the death.
    assert wait[20] == pytest.approx(9.25, abs=0.01)
    assert not wait[40:].any()


def test_a_host_that_stands_by_does_the_work_once_it_has_taken_over() -> None:
    morning = at((np.arange(6000) * (1e9 / 100) + 1).astype(np.int64))
    model = calm_site(morning, kill="edge@20", takeover=10.0)
    counts = simulate(model).counts[0].sum(axis=1)
    # The one who was at work is lost, and whoever comes in the ten seconds finds nobody.
    assert counts[LOST] == 1
    assert counts[DOWN] == 1000
    assert counts[ANSWERED] == 6000 - 1001
    capacity = flow(model, morning.by_second()).capacity[0]
    assert list(capacity[[19, 20, 29, 30]]) == [4, 0, 0, 4]


def test_a_host_that_is_back_sooner_than_another_takes_over_goes_on_itself() -> None:
    morning = poisson(100, seconds=40, seed=1)
    back = calm_site(morning, kill="edge@20+3")
    for takeover, kill in ((3.0, "edge@20"), (3.0, "edge@20+9"), (9.0, "edge@20+3")):
        taken_over = calm_site(morning, kill=kill, takeover=takeover)
        np.testing.assert_array_equal(taken_over.faults, back.faults)
