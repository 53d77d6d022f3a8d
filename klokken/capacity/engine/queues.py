"""Single hosts without a way back: when each of many jobs is done, in one pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine.compiled import compiled, internal
from klokken.capacity.engine.sharing import TICK_BITS, ends, pop, progressed, push

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers


def shared(arrivals: Integers, work: Integers, cores: int) -> Integers:
    """Return when each job is done that shares `cores` from its arrival on.

    Arrivals are nanoseconds in rising order, work is in ticks.
    """
    finished, keys, names = np.empty((3, len(arrivals)), np.int64)
    _share(arrivals, work, cores, finished, keys, names)
    return finished


@compiled
def _share(
    arrivals: Integers,
    work: Integers,
    cores: int,
    finished: Integers,
    keys: Integers,
    names: Integers,
) -> None:
    size = len(arrivals)
    clock, read, jobs = 0, 0, 0
    for number in range(size + 1):
        now = arrivals[number] if number < size else 1 << 62
        while jobs > 0:
            due = ends(clock, read, keys[0], jobs, cores)
            if due >= now:
                break
            clock = progressed(clock, due - read, jobs, cores)
            read = due
            finished[pop(keys, names, 0, jobs)] = due
            jobs -= 1
        if number < size:
            clock = progressed(clock, now - read, jobs, cores)
            read = now
            push(keys, names, 0, jobs, clock + work[number], number)
            jobs += 1


def served(arrivals: Integers, work: Integers, servers: int) -> Integers:
    """Return when each job is done, first come first served, each by one of `servers`.

    Kiefer and Wolfowitz, "On the theory of queues with many servers", 1955: a job begins when
    it has come and the first server is free. Units as in `shared`.
    """
    finished = np.empty(len(arrivals), np.int64)
    _serve(arrivals, work, np.zeros(servers, np.int64), finished)
    return finished


@compiled
def _serve(arrivals: Integers, work: Integers, free: Integers, finished: Integers) -> None:
    for number in range(len(arrivals)):
        start = max(arrivals[number], free[0])
        end = start + ((work[number] + (1 << TICK_BITS) - 1) >> TICK_BITS)
        finished[number] = end
        _replace(free, end)


@internal
def _replace(heap: Integers, key: int) -> None:
    """Put `key` in the place of the least of a heap."""
    place, size = 0, len(heap)
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and heap[below + 1] < heap[below]:
            below += 1
        if key <= heap[below]:
            break
        heap[place] = heap[below]
        place = below
    heap[place] = key
