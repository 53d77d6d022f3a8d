"""The fluid level: work flows in, cores let it out, and what is left over waits.

backlog'(t) = lambda(t) * work - capacity(t), never below 0, for each tier by itself and in steps
of a second. Waiting is backlog / capacity. Nothing is random here and nobody leaves, so it tells
where a platform is too small and by how much, and not its percentiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine import column
from klokken.capacity.engine.model import COLD, WARM, WARMING
from klokken.capacity.morning import NANO

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers, Model
    from klokken.curve import Floats


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
    """Return how the work of those who come each second flows through the tiers."""
    length = 60 * model.minutes
    arriving = np.zeros(length)
    arriving[: len(by_second)] = by_second
    work = visits(model).sum(axis=0) / NANO
    load = work[:, None] * arriving
    capacity = _capacity(model, length)
    backlog = _backlog(load, capacity)
    with np.errstate(divide="ignore", invalid="ignore"):
        wait = np.where(backlog > 0, backlog / capacity, 0.0)
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


def _capacity(model: Model, length: int) -> Floats:
    """Return the cores of each tier that are up, in terms of warm work, second by second."""
    moments = np.arange(length) * NANO
    total = np.zeros((len(model.tiers), length))
    for number, host in enumerate(model.hosts):
        tier, cold, warming = host[[column.TIER, column.COLD_TIME, column.WARMING_TIME]]
        up, age = np.ones(length, bool), moments - host[column.SINCE]
        for at, which, is_up in model.faults:
            if which == number:
                up[moments >= at] = is_up
                age = np.where(moments >= at, moments - at, age)
        phase = np.where(age < cold, COLD, np.where(age < cold + warming, WARMING, WARM))
        by_phase = model.work[:, tier, : WARM + 1].sum(axis=0)
        speed = by_phase[WARM] / np.maximum(by_phase[phase], 1)
        total[tier] += up * speed * min(host[column.CORES], host[column.WORKERS])
    return total


def _backlog(load: Floats, capacity: Floats) -> Floats:
    """Return what is left over at the end of each second."""
    found = np.zeros_like(load)
    left = np.zeros(len(load))
    for second in range(load.shape[1]):
        left = np.maximum(0.0, left + load[:, second] - capacity[:, second])
        found[:, second] = left
    return found
