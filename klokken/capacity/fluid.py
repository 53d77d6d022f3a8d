"""The fluid level: work flows in, cores let it out, and what is left over waits.

backlog'(t) = lambda(t) * work - capacity(t), never below 0, for each tier by itself and in steps
of a second. Who comes waits until the backlog of that moment is worked off. Nothing is random
here and nobody leaves, so it tells where a platform is too small and by how much, and not its
percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine import column
from klokken.capacity.engine.model import WARM
from klokken.capacity.morning import NANO

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers, Model
    from klokken.curve import Floats

_PHASES = [column.TIER, column.WARMING_FROM, column.WARM_FROM]
# Less than any host has.
_NO_CORE = 1e-9
# Of sums, as a share.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Flow:
    """By tier and second: work that comes and cores there are (cores), and the wait (seconds).

    `alone` is how long each request takes where nobody else is there, in seconds.
    """

    load: Floats
    capacity: Floats
    wait: Floats
    alone: Floats


def flow(model: Model, by_second: Integers) -> Flow:
    """Return how the work of those who come each second flows through the tiers.

    `by_second` may have a row for each request, where not all of them begin together.
    """
    arriving = np.zeros((len(model.requests), 60 * model.minutes))
    arriving[:, : by_second.shape[-1]] = by_second
    load = visits(model).T / NANO @ arriving
    capacity, backlog = _worked_off(model, load)
    wait = np.array([_wait(*tier) for tier in zip(load, backlog, strict=True)])
    return Flow(load, capacity, wait, _alone(model))


def visits(model: Model) -> Floats:
    """Return the warm work of each request at each tier in nanoseconds, connections included."""
    used = np.zeros(model.work.shape[:2])
    for request, path in enumerate(paths(model)):
        used[request, path] = model.work[request, path, WARM]
    used[:, 0] += model.requests[:, column.CONNECTS] * model.connection[WARM]
    return used


def paths(model: Model) -> list[Integers]:
    """Return the tiers of each request."""
    found = model.requests[:, column.PATH :]
    return [path[path >= 0] for path in found]


def _alone(model: Model) -> Floats:
    ways = [2 * model.tiers[path, column.TRIP].sum() for path in paths(model)]
    alone: Floats = visits(model).sum(axis=1) + ways
    return (alone + model.requests[:, column.CONNECTS] * model.set_up) / NANO


def _worked_off(model: Model, load: Floats) -> tuple[Floats, Floats]:
    """Return each tier's cores that are up, in terms of warm work, and what is left over.

    Both second by second. Hosts of a tier share its work by what each can do, and so get warm.
    """
    tiers, cold_until, warm_from = model.hosts[:, _PHASES].T
    cores = np.minimum(model.hosts[:, column.CORES], model.hosts[:, column.WORKERS])
    speeds, visits_a_core = _speeds(model), _visits_a_core(model)[tiers]
    up, visited = np.ones(len(tiers)), model.hosts[:, column.BEFORE].astype(float)
    capacity, backlog = np.zeros((2, *load.shape))
    left, faults = np.zeros(len(load)), model.faults.tolist()
    for second in range(load.shape[1]):
        while faults and faults[0][column.FAULT_TIME] <= second * NANO:
            _, host, is_up = faults.pop(0)
            up[host], visited[host] = is_up, 0.0
        phase = (visited >= cold_until).astype(int) + (visited >= warm_from)
        able = up * cores * speeds[tiers, phase]
        capacity[:, second] = np.bincount(tiers, able, len(load))
        there = left + load[:, second]
        left = np.maximum(0.0, there - capacity[:, second])
        busy = (there - left) / np.maximum(capacity[:, second], _NO_CORE)
        visited += able * busy[tiers] * visits_a_core
        backlog[:, second] = left
    return capacity, backlog


def _speeds(model: Model) -> Floats:
    """Return how quick a core of each tier is in each phase; warm it is 1."""
    by_phase = model.work[:, :, : WARM + 1].sum(axis=0)
    speeds: Floats = by_phase[:, WARM:] / np.maximum(by_phase, 1)
    return speeds


def _visits_a_core(model: Model) -> Floats:
    """Return how many visits to each tier a second of a core is, warm."""
    count = np.bincount(np.concatenate(paths(model)), minlength=len(model.tiers))
    each: Floats = count / np.maximum(visits(model).sum(axis=0), 1) * NANO
    return each


def _wait(load: Floats, backlog: Floats) -> Floats:
    """Return how long who comes in each second waits, first come first served.

    What is never worked off waits until the end of all seconds.
    """
    come = np.cumsum(load)
    done = come - backlog
    seconds = np.arange(len(load))
    # Rounded sums must not make the last of a backlog wait for ever.
    until = np.searchsorted(done, come * (1 - _ROUNDING))
    last = np.minimum(until, len(load) - 1)
    before = done[last - 1]
    into = (come - before) / np.maximum(done[last] - before, _ROUNDING)
    left: Floats = np.where(until < len(load), until - 1 + np.minimum(into, 1.0), len(load))
    return np.where(backlog > 0, np.maximum(left - seconds, 0.0), 0.0)
