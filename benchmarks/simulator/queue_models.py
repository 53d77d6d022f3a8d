"""One model in several implementations: pupils who come, wait for a server and are served.

M/M/200 at 95 % load, first come first served; a visit is one pupil at the queue.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import simpy

from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.queues import served
from klokken.capacity.engine.sharing import TICK_BITS
from klokken.capacity.engine.state import VISITS
from klokken.capacity.engine.tally import highest
from klokken.capacity.morning import NANO
from tests.unit.tiny_site import poisson, site

if TYPE_CHECKING:
    from collections.abc import Generator

    from klokken.capacity.engine.model import Integers

SERVERS, LOAD, WORK = 200, 0.95, 0.1
RATE = SERVERS * LOAD / WORK

# Visits a second, and the mean time at the queue in units of the mean work.
Run = tuple[float, float]


def with_simpy(visits: int, seed: int) -> Run:
    """Run the model with SimPy, as its documentation writes such a queue."""
    source = random.Random(seed)  # noqa: S311 - a simulation
    environment = simpy.Environment()
    servers = simpy.Resource(environment, SERVERS)
    total = 0.0

    def visit() -> Generator[simpy.Event, object, None]:
        nonlocal total
        came = environment.now
        with servers.request() as place:
            yield place
            yield environment.timeout(source.expovariate(1 / WORK))
        total += environment.now - came

    def coming() -> Generator[simpy.Event, object, None]:
        for _ in range(visits):
            yield environment.timeout(source.expovariate(RATE))
            environment.process(visit())

    environment.process(coming())
    began = time.process_time()
    environment.run()
    return visits / (time.process_time() - began), total / visits / WORK


def _jobs(visits: int, seed: int) -> tuple[Integers, Integers]:
    source = np.random.Generator(np.random.Philox(seed))
    due = np.cumsum(source.exponential(NANO / RATE, visits)).astype(np.int64)
    work = (source.exponential(WORK * NANO, visits)).astype(np.int64) << TICK_BITS
    return due, work


def with_sweep(visits: int, seed: int) -> Run:
    """Run it with the sweep's queue."""
    due, work = _jobs(visits, seed)
    began = time.process_time()
    ended = served(due, work, SERVERS)
    took = time.process_time() - began
    return visits / took, float((ended - due).mean()) / NANO / WORK


def with_sweep_on_two(visits: int, seed: int) -> Run:
    """Run two such queues side by side."""
    jobs = [_jobs(visits, seed + thread) for thread in range(2)]
    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda one: served(one[0], one[1], SERVERS), jobs))
    took = time.perf_counter() - began
    waited = [float((end - due).mean()) for end, (due, _) in zip(ended, jobs, strict=True)]
    return 2 * visits / took, sum(waited) / 2 / NANO / WORK


def with_exact(visits: int, seed: int) -> Run:
    """Run it with the exact level: draws, agenda, host and histograms included."""
    morning = poisson(RATE, visits / RATE, seed)
    model = site(
        morning,
        cores=SERVERS,
        workers=SERVERS,
        queue=10**6,
        variation=1.0,
        work=WORK,
        seed=seed,
    )
    began = time.process_time()
    state = simulate(model)
    took = time.process_time() - began
    upper = highest()
    middle = (upper + np.concatenate([[0], upper[:-1]])) / 2
    microseconds = (state.latency[0].sum(axis=0) * middle).sum() / state.latency[0].sum()
    return int(state.totals[VISITS]) / took, float(microseconds) / 1e6 / WORK
