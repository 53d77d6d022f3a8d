"""The way of a request through the tiers and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.engine import column
from klokken.capacity.engine.attempts import answered, failed, leave
from klokken.capacity.engine.chance import PLACE, below, drawn
from klokken.capacity.engine.compiled import internal
from klokken.capacity.engine.hosts import done, enqueue, expired, release, schedule, start
from klokken.capacity.engine.lines import BACK, HOME, IN, kind_of, receive, send
from klokken.capacity.engine.model import BALANCES
from klokken.capacity.engine.state import COMING_HOME, NOBODY, TRAVELLING
from klokken.capacity.engine.tally import DOWN, EXPIRED, FULL

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Model
    from klokken.capacity.engine.state import State

_SPREAD, _LEAST, _CELL, _FIRST = (BALANCES.index(b) for b in ("spread", "least", "cell", "first"))


@internal
def _least(s: State, first: int, hosts: int, offset: int) -> int:
    """Return the host that is up with the fewest requests; equals go by a drawn offset."""
    found, fewest = NOBODY, 0
    for step in range(hosts):
        host = first + (offset + step) % hosts
        load = s.host[host, column.BUSY] + s.host[host, column.WAITING]
        if s.host[host, column.UP] and (found == NOBODY or load < fewest):
            found, fewest = host, load
    return found


@internal
def _choose(m: Model, s: State, who: int, tier: int) -> int:
    """Return the host that the request goes to, or NOBODY."""
    first, hosts, balance = (
        m.tiers[tier, column.FIRST_HOST],
        m.tiers[tier, column.HOST_COUNT],
        m.tiers[tier, column.BALANCE],
    )
    if balance == _CELL:
        own = first + m.arrivals[who, column.SCHOOL] % hosts
        return own if s.host[own, column.UP] else NOBODY
    kept = s.people[who, column.KEPT + tier]
    if kept != NOBODY and s.host[kept, column.UP]:
        return kept
    offset = 0
    if balance != _FIRST:
        offset = below(drawn(m.seed, m.arrivals[who, column.PERSON], 0, 0, tier, PLACE), hosts)
    if balance == _LEAST:
        found = _least(s, first, hosts, offset)
        s.people[who, column.KEPT + tier] = found
        return found
    for step in range(hosts):
        host = first + (offset + step) % hosts
        if s.host[host, column.UP]:
            return host
    return NOBODY


@internal
def _arrive(m: Model, s: State, who: int, now: int) -> None:
    """Let a request ask for a place at the tier that it has come to."""
    if now > s.people[who, column.LEAVES]:
        leave(m, s, who)
        return
    level = s.people[who, column.LEVEL]
    host = _choose(m, s, who, m.requests[s.people[who, column.REQUEST], column.PATH + level])
    if host == NOBODY:
        failed(m, s, who, DOWN, now)
        return
    s.people[who, column.HOSTS + level] = host
    if s.host[host, column.BUSY] < m.hosts[host, column.WORKERS]:
        start(m, s, who, host, now)
    elif s.host[host, column.WAITING] < m.hosts[host, column.QUEUE]:
        enqueue(m, s, who, host, now)
    else:
        failed(m, s, who, FULL, now)


@internal
def _back(m: Model, s: State, who: int, now: int) -> None:
    """Send the answer of the tier that a request is at to who called it.

    The edge gives its place back when the pupil has the answer, which saves an event.
    """
    level = s.people[who, column.LEVEL]
    tier = m.requests[s.people[who, column.REQUEST], column.PATH + level]
    if level > 0:
        release(s, s.people[who, column.HOSTS + level])
        s.people[who, column.HELD] = level
    s.people[who, column.WHERE] = COMING_HOME
    if level > 1:
        s.people[who, column.LEVEL] = level - 1
        send(m, s, who, BACK, tier, now)
    else:
        send(m, s, who, HOME, tier, now)


@internal
def message(m: Model, s: State, line: int, now: int) -> None:
    """Let the first message of a line arrive."""
    who = receive(s, line)
    kind = kind_of(m, line)
    if kind == HOME:
        answered(m, s, who, now)
    elif kind == BACK:
        _back(m, s, who, now)
    else:
        _arrive(m, s, who, now)


@internal
def work(m: Model, s: State, host: int, now: int) -> None:
    """Let a host do what is due: end a job, or send somebody out of its queue."""
    who = NOBODY
    if s.host[host, column.WAITING] > 0:
        who = expired(m, s, host, now)
    if who != NOBODY:
        schedule(m, s, host)
        failed(m, s, who, EXPIRED, now)
        return
    who = done(m, s, host, now)
    if who == NOBODY:
        # Its caller died meanwhile.
        release(s, host)
    elif s.people[who, column.LEVEL] + 1 < m.requests[s.people[who, column.REQUEST], column.DEPTH]:
        s.people[who, column.LEVEL] += 1
        s.people[who, column.WHERE] = TRAVELLING
        send(
            m,
            s,
            who,
            IN,
            m.requests[s.people[who, column.REQUEST], column.PATH + s.people[who, column.LEVEL]],
            now,
        )
    else:
        _back(m, s, who, now)
