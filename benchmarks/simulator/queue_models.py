"""One model in several implementations: pupils who come, wait for a server and are served.

M/M/200 at 95 % load, first come first served; a visit is one pupil at the queue.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import simpy

from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.queues import served
from klokken.capacity.engine.sharing import TICK_BITS
from klokken.capacity.engine.state import EVENTS, VISITS
from klokken.capacity.engine.tally import highest
from klokken.capacity.morning import NANO
from tests.unit.tiny_site import poisson, site

if TYPE_CHECKING:
    from collections.abc import Generator

    from klokken.capacity.engine.model import Integers

SERVERS, LOAD, WORK = 200, 0.95, 0.1
RATE = SERVERS * LOAD / WORK

# Whose events are counted, of which each visit has as many.
_COUNTED = 1000


class Run(NamedTuple):
    """Visits a second, the mean time at the queue in units of the mean work, events a visit."""

    rate: float
    mean: float
    events: float | None = None


def with_simpy(visits: int, seed: int) -> Run:
    """Run the model with SimPy, as its documentation writes such a queue."""
    environment, times = _simpy(visits, seed)
    began = time.process_time()
    environment.run()
    took = time.process_time() - began
    return Run(visits / took, sum(times) / visits / WORK, _steps(seed) / _COUNTED)


def _steps(seed: int) -> int:
    """Return how many events SimPy goes through for the visits that are counted."""
    environment, _ = _simpy(_COUNTED, seed)
    steps = 0
    while environment.peek() < inf:
        environment.step()
        steps += 1
    return steps


def _simpy(visits: int, seed: int) -> tuple[simpy.Environment, list[float]]:
    """Return the model, ready to run, and where it puts the time of each visit."""
    source = random.Random(seed)  # noqa: S311 - a simulation
    environment = simpy.Environment()
    servers = simpy.Resource(environment, SERVERS)
    times: list[float] = []

    def visit() -> Generator[simpy.Event, object, None]:
        came = environment.now
        with servers.request() as place:
            yield place
            yield environment.timeout(source.expovariate(1 / WORK))
        times.append(environment.now - came)

    def coming() -> Generator[simpy.Event, object, None]:
        for _ in range(visits):
            yield environment.timeout(source.expovariate(RATE))
            environment.process(visit())

    environment.process(coming())
    return environment, times


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
    return Run(visits / took, float((ended - due).mean()) / NANO / WORK)


def with_sweep_on_two(visits: int, seed: int) -> Run:
    """Run two such queues side by side."""
    jobs = [_jobs(visits, seed + thread) for thread in range(2)]
    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda one: served(one[0], one[1], SERVERS), jobs))
    took = time.perf_counter() - began
    waited = [float((end - due).mean()) for end, (due, _) in zip(ended, jobs, strict=True)]
    return Run(2 * visits / took, sum(waited) / 2 / NANO / WORK)


def with_exact(visits: int, seed: int) -> Run:
    """Run it with the exact level: draws, agenda, host and histograms included."""
    began = time.process_time()
    morning = poisson(RATE, visits / RATE, seed)
    drew = time.process_time() - began
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
    took = drew + time.process_time() - began
    upper = highest()
    middle = (upper + np.concatenate([[0], upper[:-1]])) / 2
    microseconds = (state.latency[0].sum(axis=0) * middle).sum() / state.latency[0].sum()
    done = int(state.totals[VISITS])
    events = int(state.totals[EVENTS]) / done
    return Run(done / took, float(microseconds) / 1e6 / WORK, events)
