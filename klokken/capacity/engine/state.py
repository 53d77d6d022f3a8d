"""The state of a simulated platform, as tables that compiled code changes in place."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from klokken.capacity.engine import agenda, column
from klokken.capacity.engine.model import PRIORITIES, Integers, Model
from klokken.capacity.engine.tally import BUCKETS, KINDS

# Sources of events: people who come, people who return from a pause, hosts that die or return,
# then a line of messages for each way, then the hosts.
COMING, RETURNING, FAULTS, LINES = 0, 1, 2, 3
# Where a pupil's request is.
OUTSIDE, TRAVELLING, QUEUED, SERVED, COMING_HOME = range(5)
NOBODY = -1

# A chain of places that free one another is as long as a path is deep, and one a host.
_FREED = 64

# Indices of `totals`.
NEXT_COMING, NEXT_FAULT, PAUSING, PAUSES_FROM, FREED, EVENTS, VISITS = range(7)


class State(NamedTuple):
    """Everything that changes. A person is in one place at a time, and `link` orders each place.

    The heaps hold each host's jobs by virtual time and, at the end, those who pause by time.
    `freed` are hosts with a place to give, to be looked at before the next event. The last five
    are what was counted: (requests and the journey) x kinds x minutes, likewise x minutes x
    buckets, core-nanoseconds of tiers x minutes, pupils due a minute, and work drawn by tier.
    """

    agenda: Integers
    people: Integers
    host: Integers
    queues: Integers
    lines: Integers
    heap_keys: Integers
    heap_names: Integers
    freed: Integers
    totals: Integers
    counts: Integers
    latency: Integers
    work: Integers
    offered: Integers
    drawn: Integers


def fresh(model: Model) -> State:
    """Return the state before the morning."""
    people, tiers, hosts = len(model.arrivals), len(model.tiers), len(model.hosts)
    rows, lines = len(model.requests) + 1, 3 * tiers + 1
    # Jobs whose callers died count too, so everyone may have one more for each fault.
    most = np.minimum(model.hosts[:, column.WORKERS], (len(model.faults) + 1) * people)
    starts = np.concatenate([[0], np.cumsum(most)])
    person = np.zeros((people, column.PERSON_COLUMNS), np.int64)
    person[:, column.HOSTS :] = NOBODY
    host = np.zeros((hosts, column.HOST_COLUMNS), np.int64)
    host[:, column.JOBS_FROM] = starts[:-1]
    host[:, column.UP] = 1
    host[:, column.VISITED] = model.hosts[:, column.BEFORE]
    totals = np.zeros(7, np.int64)
    totals[PAUSES_FROM] = starts[-1]
    return State(
        agenda=agenda.empty(LINES + lines + hosts),
        people=person,
        host=host,
        queues=np.full((hosts * PRIORITIES, 2), NOBODY, np.int64),
        lines=np.full((lines, 2), NOBODY, np.int64),
        heap_keys=np.zeros(starts[-1] + people, np.int64),
        heap_names=np.zeros(starts[-1] + people, np.int64),
        freed=np.zeros(_FREED + hosts, np.int64),
        totals=totals,
        counts=np.zeros((rows, len(KINDS), model.minutes), np.int64),
        latency=np.zeros((rows, model.minutes, BUCKETS), np.int64),
        work=np.zeros((tiers, model.minutes), np.int64),
        offered=np.zeros(model.minutes, np.int64),
        drawn=np.zeros(tiers, np.int64),
    )
