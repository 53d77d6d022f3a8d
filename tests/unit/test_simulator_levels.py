"""Fluid, sweep and exact level: each against the next, where both apply."""

from __future__ import annotations

import numpy as np
import pytest

from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.sweep import sweep
from klokken.capacity.engine.tally import percentile
from klokken.capacity.fluid import flow
from tests.unit.tiny_site import at, poisson, school, site

pytestmark = pytest.mark.slow


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


def test_the_fluid_loses_the_cores_of_a_host_that_is_down_and_some_of_a_cold_one() -> None:
    morning = poisson(10, seconds=60, seed=1)
    flowing = flow(school(morning, kills=("identity@20+10",)), morning.by_second())
    identity = flowing.capacity[1]
    assert list(identity[[19, 20, 29]]) == [4, 2, 2]
    assert identity[31] == pytest.approx(2 + 2 / 3)
    assert identity[36] == pytest.approx(2 + 2 / 2)
    assert identity[41] == 4
