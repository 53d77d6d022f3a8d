"""The simulator against the formulas of queueing theory.

Each statement is over ten independent mornings: theory lies within the 99.9 % interval of their
mean (Student's t, nine degrees of freedom), and within one per cent of it.
"""

from __future__ import annotations

from math import exp, factorial
from statistics import mean, stdev

import numpy as np
import pytest

from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.queues import served, shared
from klokken.capacity.engine.sharing import TICK_BITS
from klokken.capacity.engine.tally import ANSWERED, FULL, highest
from klokken.capacity.morning import NANO
from tests.unit.tiny_site import poisson, site

pytestmark = pytest.mark.heavy

RUNS = 10
# The 0.9995 quantile of Student's t with nine degrees of freedom.
T = 4.781
WORK = 0.01


def erlang_b(servers: int, load: float) -> float:
    """Return the share that is turned away by `servers` without a queue."""
    terms = [load**n / factorial(n) for n in range(servers + 1)]
    return terms[-1] / sum(terms)


def erlang_c(servers: int, load: float) -> float:
    """Return the share that has to wait for one of `servers`."""
    blocked, busy = erlang_b(servers, load), load / servers
    return blocked / (1 - busy * (1 - blocked))


def agree(found: list[float], theory: float) -> None:
    half = T * stdev(found) / len(found) ** 0.5
    assert abs(mean(found) - theory) <= half
    assert mean(found) == pytest.approx(theory, rel=0.01)


def mean_seconds(latency: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> float:
    upper = highest()
    middle = (upper + np.concatenate([[-1], upper[:-1]]) + 1) / 2
    return float((latency * middle).sum() / latency.sum() / 1e6)


def sojourns(*, cores: int, workers: int, busy: float, variation: float) -> list[float]:
    """Return the mean time at the host in each of the runs, the first minute left out."""
    found = []
    for seed in range(RUNS):
        morning = poisson(busy * cores / WORK, seconds=1200 / cores**0.5, seed=seed)
        model = site(
            morning, cores=cores, workers=workers, queue=10**6, variation=variation, seed=seed
        )
        found.append(mean_seconds(simulate(model).latency[0, 1:].sum(axis=0)))
    return found


def test_the_mean_time_is_that_of_m_m_c() -> None:
    servers, busy = 8, 0.8
    wait = erlang_c(servers, servers * busy) * WORK / (servers * (1 - busy))
    found = sojourns(cores=servers, workers=servers, busy=busy, variation=1.0)
    agree(found, WORK + wait)


@pytest.mark.parametrize("variation", [0.0, 0.5, 1.0, 2.0])
def test_sharing_a_core_takes_the_time_of_m_g_1_ps_whatever_the_work(variation: float) -> None:
    found = sojourns(cores=1, workers=65_536, busy=0.6, variation=variation)
    agree(found, WORK / (1 - 0.6))


def test_a_bounded_queue_turns_away_the_share_of_m_m_c_k() -> None:
    servers, places, load = 4, 8, 4.4
    weights = [load**n / factorial(n) for n in range(servers + 1)]
    weights += [weights[-1] * (load / servers) ** n for n in range(1, places - servers + 1)]
    found = []
    for seed in range(RUNS):
        morning = poisson(load / WORK, seconds=300, seed=seed)
        counts = (
            simulate(
                site(
                    morning,
                    cores=servers,
                    workers=servers,
                    queue=places - servers,
                    variation=1.0,
                    seed=seed,
                )
            )
            .counts[0]
            .sum(axis=1)
        )
        assert counts.sum() == counts[ANSWERED] + counts[FULL]
        found.append(counts[FULL] / counts.sum())
    agree(found, weights[-1] / sum(weights))


def test_waits_have_the_tail_of_erlang_c() -> None:
    servers, busy = 8, 0.8
    rate = servers * (1 - busy) / WORK
    found: dict[float, list[float]] = {multiple: [] for multiple in (0.0, 0.5, 1.0, 2.0)}
    for seed in range(RUNS):
        due = poisson(busy * servers / WORK, seconds=3600, seed=seed).due
        draws = np.random.Generator(np.random.Philox(1000 + seed)).exponential(WORK, len(due))
        work = (draws * NANO).astype(np.int64)
        waits = served(due, work << TICK_BITS, servers) - due - work
        for multiple, shares in found.items():
            shares.append(float((waits > multiple / rate * NANO).mean()))
    for multiple, shares in found.items():
        agree(shares, erlang_c(servers, servers * busy) * exp(-multiple))


def test_times_at_a_host_have_the_tail_of_m_m_c() -> None:
    servers, busy = 8, 0.8
    load = servers * busy
    # Those of the exact level are known by buckets, so the tail is taken at their upper ends.
    edges = [int(np.searchsorted(highest(), 1e6 * WORK * times)) for times in (0.5, 1.0, 2.0, 4.0)]
    found: dict[int, list[float]] = {edge: [] for edge in edges}
    for seed in range(RUNS):
        morning = poisson(load / WORK, seconds=1200, seed=seed)
        model = site(morning, cores=servers, workers=servers, queue=10**6, variation=1.0, seed=seed)
        latency = simulate(model).latency[0, 1:].sum(axis=0)
        for edge, shares in found.items():
            shares.append(float(latency[edge + 1 :].sum() / latency.sum()))
    for edge, shares in found.items():
        agree(shares, longer(servers, load, (highest()[edge] + 1) / 1e6 / WORK))


def longer(servers: int, load: float, times: float) -> float:
    """Return the share that is at an M/M/c host for more than so many times its mean work."""
    free = servers - load - 1
    waiting = erlang_c(servers, load) * (1 - exp(-free * times)) / free
    return exp(-times) * (1 + waiting)


def test_jobs_that_share_end_as_a_step_by_step_reckoning_has_it() -> None:
    random = np.random.Generator(np.random.Philox(7))
    arrivals = np.sort(random.integers(0, 10**9, 200))
    work = random.integers(1, 5 * 10**7, 200)
    left: dict[int, float] = {}
    ended: dict[int, float] = {}
    moment, entered = 0.0, 0
    while len(ended) < len(work):
        speed = min(1.0, 3 / len(left)) if left else 1.0
        coming = float(arrivals[entered]) if entered < len(work) else float("inf")
        going = moment + min(left.values()) / speed if left else float("inf")
        now = min(coming, going)
        left = {job: rest - (now - moment) * speed for job, rest in left.items()}
        moment = now
        if coming <= going:
            left[entered] = float(work[entered])
            entered += 1
        else:
            job = min(left, key=lambda one: left[one])
            ended[job] = now
            del left[job]
    found = shared(arrivals, work << TICK_BITS, 3)
    # A nanosecond and less an event, two events a job.
    np.testing.assert_allclose(found, [ended[job] for job in range(len(work))], atol=400)
