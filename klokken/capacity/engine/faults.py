"""Hosts that die and come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.engine import column
from klokken.capacity.engine.agenda import NEVER, put
from klokken.capacity.engine.attempts import failed, settle
from klokken.capacity.engine.compiled import internal
from klokken.capacity.engine.hosts import read_clock, release, schedule
from klokken.capacity.engine.model import PRIORITIES
from klokken.capacity.engine.state import FAULTS, LINES, NEXT_FAULT, NOBODY, OUTSIDE, QUEUED, SERVED
from klokken.capacity.engine.tally import LOST

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers, Model
    from klokken.capacity.engine.state import State


@internal
def fault(m: Model, s: State, now: int) -> None:
    """Let the next fault happen."""
    number = s.totals[NEXT_FAULT]
    s.totals[NEXT_FAULT] = number + 1
    due = m.faults[number + 1, column.FAULT_TIME] if number + 1 < len(m.faults) else NEVER
    put(s.agenda, FAULTS, due)
    host = m.faults[number, column.FAULT_HOST]
    if m.faults[number, column.FAULT_UP]:
        s.host[host, column.UP] = 1
        s.host[host, column.VISITED] = 0
    elif s.host[host, column.UP]:
        _die(m, s, host, now)


@internal
def _die(m: Model, s: State, host: int, now: int) -> None:
    """Pull a host's plug: whoever has a place at it, or waits for one, is told so at once.

    What the host had asked of a lower tier is worked off there, and nobody gets the answer.
    """
    read_clock(m, s, host, now)
    s.host[host, column.UP] = 0
    for who in range(len(m.arrivals)):
        s.people[who, column.DOOMED] = _depends(s, who, host)
    for line in range(len(s.lines)):
        _strike(s, s.lines, line)
        head = s.lines[line, column.HEAD]
        put(
            s.agenda,
            LINES + line,
            NEVER if head == NOBODY else s.people[head, column.MOMENT],
        )
    for other in range(len(m.hosts)):
        for priority in range(PRIORITIES):
            row = other * PRIORITIES + priority
            s.host[other, column.WAITING] -= _strike(s, s.queues, row)
        _forget(s, other)
    s.host[host, column.JOBS] = 0
    s.host[host, column.BUSY] = 0
    for other in range(len(m.hosts)):
        schedule(m, s, other)
    for who in range(len(m.arrivals)):
        if s.people[who, column.DOOMED]:
            _lose(m, s, who, host, now)


@internal
def _depends(s: State, who: int, host: int) -> bool:
    """Say whether a pupil's request has a place at the host, or waits for one."""
    if s.people[who, column.WHERE] == OUTSIDE:
        return False
    for level in range(s.people[who, column.HELD]):
        if s.people[who, column.HOSTS + level] == host:
            return True
    return (
        s.people[who, column.WHERE] == QUEUED
        and s.people[who, column.HOSTS + s.people[who, column.LEVEL]] == host
    )


@internal
def _strike(s: State, lists: Integers, row: int) -> int:
    """Take those who are doomed out of one of the lists; return how many they were."""
    struck = 0
    last = NOBODY
    who = lists[row, column.HEAD]
    while who != NOBODY:
        following = s.people[who, column.LINK]
        if s.people[who, column.DOOMED]:
            struck += 1
        else:
            if last == NOBODY:
                lists[row, column.HEAD] = who
            else:
                s.people[last, column.LINK] = who
            last = who
        who = following
    if last == NOBODY:
        lists[row, column.HEAD] = NOBODY
    else:
        s.people[last, column.LINK] = NOBODY
    lists[row, column.TAIL] = last
    return struck


@internal
def _forget(s: State, host: int) -> None:
    """Let the jobs of those who are doomed go on for nobody."""
    for place in range(
        s.host[host, column.JOBS_FROM], s.host[host, column.JOBS_FROM] + s.host[host, column.JOBS]
    ):
        who = s.heap_names[place]
        if who != NOBODY and s.people[who, column.DOOMED]:
            s.heap_names[place] = NOBODY


@internal
def _lose(m: Model, s: State, who: int, host: int, now: int) -> None:
    """Fail the request of somebody who depended on a dead host."""
    for level in range(s.people[who, column.HELD]):
        worked_off = s.people[who, column.WHERE] == SERVED and level == s.people[who, column.LEVEL]
        if s.people[who, column.HOSTS + level] != host and not worked_off:
            release(s, s.people[who, column.HOSTS + level])
    s.people[who, column.HELD] = 0
    failed(m, s, who, LOST, now)
    settle(m, s, now)
