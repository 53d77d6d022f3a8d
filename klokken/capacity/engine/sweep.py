"""The sweep level: each host in one pass over all its jobs, tier after tier.

It leaves out all that makes a request wait for another: a pupil's next request is sent when its
last would have been answered on an idle platform; places, queues, patience and faults do not
exist. Where a journey has one request and no limit is met, it is exact.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine import column
from klokken.capacity.engine.chance import DEMAND, PLACE, below, drawn, spread
from klokken.capacity.engine.compiled import compiled, internal
from klokken.capacity.engine.hosts import TO_TICKS
from klokken.capacity.engine.model import BALANCES, DEEPEST, WARM
from klokken.capacity.engine.queues import served, shared
from klokken.capacity.engine.sharing import TICK_BITS
from klokken.capacity.engine.state import State, fresh
from klokken.capacity.engine.tally import ANSWERED, bucket, minute

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers, Model

_CELL, _FIRST = BALANCES.index("cell"), BALANCES.index("first")


def sweep(model: Model) -> State:
    """Return the state with what was counted, as the exact level does."""
    state = fresh(model)
    people = len(model.arrivals)
    sent = np.empty((len(model.requests), people), np.int64)
    work = np.zeros((len(model.requests), DEEPEST, people), np.int64)
    _send(model, sent, work)
    left = sent.copy()
    for tier in range(len(model.tiers)):
        visited = model.requests[:, column.PATH :] == tier
        levels, there = np.argmax(visited, axis=1), np.flatnonzero(visited.any(axis=1))
        if len(there):
            arrived = left[there] + model.tiers[tier, column.TRIP]
            connects = model.requests[there, column.CONNECTS] != 0
            arrived[connects & (levels[there] == 0)] += model.set_up
            left[there] = _through(model, tier, arrived, work[there, levels[there]])
    paths = model.requests[:, column.PATH :]
    ways = np.array([model.tiers[path[path >= 0], column.TRIP].sum() for path in paths])
    _count(model, state, sent, work, left + ways[:, None])
    return state


def _through(model: Model, tier: int, arrived: Integers, work: Integers) -> Integers:
    """Return when the visits of some requests (rows) by all people (columns) to a tier end."""
    own = np.empty(arrived.shape[1], np.int64)
    _hosts(model, tier, own)
    hosts = np.broadcast_to(own, arrived.shape).ravel()
    times, jobs = arrived.ravel(), work.ravel()
    finished = np.empty_like(times)
    for host in np.flatnonzero(model.hosts[:, column.TIER] == tier):
        mine = np.flatnonzero(hosts == host)
        mine = mine[np.argsort(times[mine], kind="stable")]
        cores, workers = model.hosts[host, [column.CORES, column.WORKERS]]
        if workers <= cores:
            finished[mine] = served(times[mine], jobs[mine], workers)
        else:
            finished[mine] = shared(times[mine], jobs[mine], cores)
    return finished.reshape(arrived.shape)


@compiled
def _hosts(m: Model, tier: int, found: Integers) -> None:
    """Tell the host of each pupil; one drawn for it stands for the one with the fewest."""
    first, hosts, balance = (
        m.tiers[tier, column.FIRST_HOST],
        m.tiers[tier, column.HOST_COUNT],
        m.tiers[tier, column.BALANCE],
    )
    for who in range(len(m.arrivals)):
        if balance == _CELL:
            found[who] = first + m.arrivals[who, column.SCHOOL] % hosts
        elif balance == _FIRST:
            found[who] = first
        else:
            found[who] = first + below(
                drawn(m.seed, m.arrivals[who, column.PERSON], 0, 0, tier, PLACE), hosts
            )


@compiled
def _send(m: Model, sent: Integers, work: Integers) -> None:
    """Tell when each request of each pupil is sent, and its work in ticks at each depth."""
    for who in range(len(m.arrivals)):
        now = m.arrivals[who, column.DUE]
        for request in range(len(m.requests)):
            sent[request, who] = now
            if m.requests[request, column.CONNECTS]:
                now += m.set_up
            for level in range(m.requests[request, column.DEPTH]):
                tier = m.requests[request, column.PATH + level]
                ticks = _work(m, who, request, level, tier)
                work[request, level, who] = ticks
                now += 2 * m.tiers[tier, column.TRIP] + (ticks >> TICK_BITS)
            now += m.requests[request, column.THINK_TIME]


@internal
def _work(m: Model, who: int, request: int, level: int, tier: int) -> int:
    bits = drawn(m.seed, m.arrivals[who, column.PERSON], request, 0, level, DEMAND)
    work = m.work[request, tier, WARM] * spread(bits, m.work[request, tier], column.SHAPE, m.logs)
    if level == 0 and m.requests[request, column.CONNECTS]:
        bits = drawn(m.seed, m.arrivals[who, column.PERSON], request, 0, level + 8, DEMAND)
        work += m.connection[0] * spread(bits, m.connection, column.SHAPE, m.logs)
    return max(1, work >> TO_TICKS)


@compiled
def _count(m: Model, s: State, sent: Integers, work: Integers, answered: Integers) -> None:
    """Count requests and their work by when they were sent, journeys by when they were due."""
    requests = len(m.requests)
    for who in range(len(m.arrivals)):
        came = minute(m.arrivals[who, column.DUE], m.minutes)
        s.offered[came] += 1
        whole = 0
        for request in range(requests):
            waited = answered[request, who] - sent[request, who]
            place = minute(sent[request, who], m.minutes)
            s.counts[request, ANSWERED, place] += 1
            s.latency[request, place, bucket(waited)] += 1
            whole += waited
            for level in range(m.requests[request, column.DEPTH]):
                s.work[m.requests[request, column.PATH + level], place] += (
                    work[request, level, who] >> TICK_BITS
                )
        s.counts[requests, ANSWERED, came] += 1
        s.latency[requests, came, bucket(whole)] += 1
