"""A host at work: its virtual clock, its places, and those who wait for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.engine import column
from klokken.capacity.engine.agenda import put
from klokken.capacity.engine.chance import DEMAND, ONE, drawn, spread
from klokken.capacity.engine.compiled import internal
from klokken.capacity.engine.model import COLD, PRIORITIES, WARM, WARMING
from klokken.capacity.engine.sharing import TICK_BITS, ends, pop, progressed, push
from klokken.capacity.engine.state import FREED, LINES, NOBODY, QUEUED, SERVED, VISITS
from klokken.capacity.engine.tally import MINUTE, minute

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Model
    from klokken.capacity.engine.state import State

TO_TICKS = ONE.bit_length() - 1 - TICK_BITS


@internal
def read_clock(m: Model, s: State, host: int, now: int) -> None:
    """Bring the virtual clock of a host to `now`, and count what its cores did until then."""
    since = s.host[host, column.READ]
    s.host[host, column.READ] = now
    jobs = s.host[host, column.JOBS]
    if jobs == 0 or since == now:
        return
    s.host[host, column.CLOCK] = progressed(
        s.host[host, column.CLOCK], now - since, jobs, m.hosts[host, column.CORES]
    )
    used = min(jobs, m.hosts[host, column.CORES])
    while since < now:
        place = minute(since, m.minutes)
        until = now if place == m.minutes - 1 else min(now, (place + 1) * MINUTE)
        s.work[m.hosts[host, column.TIER], place] += (until - since) * used
        since = until


@internal
def schedule(m: Model, s: State, host: int) -> None:
    """Put on the agenda when the host next has something to do."""
    jobs = s.host[host, column.JOBS]
    first = s.heap_keys[s.host[host, column.JOBS_FROM]] if jobs > 0 else 0
    due = ends(
        s.host[host, column.CLOCK],
        s.host[host, column.READ],
        first,
        jobs,
        m.hosts[host, column.CORES],
    )
    if s.host[host, column.WAITING] > 0:
        for priority in range(PRIORITIES):
            head = s.queues[host * PRIORITIES + priority, column.HEAD]
            if head != NOBODY:
                due = min(due, s.people[head, column.MOMENT] + m.hosts[host, column.QUEUE_TIME])
    put(s.agenda, LINES + 3 * len(m.tiers) + 1 + host, due)


@internal
def _work(m: Model, s: State, who: int, host: int) -> int:
    """Return the work of the visit that begins, in ticks."""
    request, level, tier = (
        s.people[who, column.REQUEST],
        s.people[who, column.LEVEL],
        m.hosts[host, column.TIER],
    )
    visited = s.host[host, column.VISITED]
    phase = WARM
    if visited < m.hosts[host, column.WARMING_FROM]:
        phase = COLD
    elif visited < m.hosts[host, column.WARM_FROM]:
        phase = WARMING
    attempt = s.people[who, column.ATTEMPT]
    bits = drawn(m.seed, m.arrivals[who, column.PERSON], request, attempt, level, DEMAND)
    work = m.work[request, tier, phase] * spread(bits, m.work[request, tier], column.SHAPE, m.logs)
    if level == 0 and m.requests[request, column.CONNECTS]:
        bits = drawn(m.seed, m.arrivals[who, column.PERSON], request, attempt, level + 8, DEMAND)
        work += m.connection[0] * spread(bits, m.connection, column.SHAPE, m.logs)
    return max(1, work >> TO_TICKS)


@internal
def start(m: Model, s: State, who: int, host: int, now: int) -> None:
    """Give a pupil's request a place, and let it share the cores."""
    s.people[who, column.HELD] = s.people[who, column.LEVEL] + 1
    s.people[who, column.WHERE] = SERVED
    s.host[host, column.BUSY] += 1
    s.host[host, column.MOST_BUSY] = max(s.host[host, column.MOST_BUSY], s.host[host, column.BUSY])
    read_clock(m, s, host, now)
    work = _work(m, s, who, host)
    s.host[host, column.VISITED] += 1
    s.drawn[m.hosts[host, column.TIER]] += work >> TICK_BITS
    key = s.host[host, column.CLOCK] + work
    push(
        s.heap_keys,
        s.heap_names,
        s.host[host, column.JOBS_FROM],
        s.host[host, column.JOBS],
        key,
        who,
    )
    s.host[host, column.JOBS] += 1
    s.totals[VISITS] += 1
    schedule(m, s, host)


@internal
def done(m: Model, s: State, host: int, now: int) -> int:
    """Take the job that is done off the cores; it keeps its place. NOBODY may be waiting for it."""
    read_clock(m, s, host, now)
    who = pop(s.heap_keys, s.heap_names, s.host[host, column.JOBS_FROM], s.host[host, column.JOBS])
    s.host[host, column.JOBS] -= 1
    schedule(m, s, host)
    return who


@internal
def release(s: State, host: int) -> None:
    """Give a place back; who waits for it gets it before the next event."""
    s.host[host, column.BUSY] -= 1
    s.freed[s.totals[FREED]] = host
    s.totals[FREED] += 1


@internal
def release_all(s: State, who: int) -> None:
    """Give back every place that a pupil's request holds."""
    for level in range(s.people[who, column.HELD]):
        release(s, s.people[who, column.HOSTS + level])
    s.people[who, column.HELD] = 0


@internal
def enqueue(m: Model, s: State, who: int, host: int, now: int) -> None:
    """Let a pupil's request wait for a place."""
    row = host * PRIORITIES + m.requests[s.people[who, column.REQUEST], column.PRIORITY]
    s.people[who, column.WHERE] = QUEUED
    s.people[who, column.MOMENT] = now
    s.people[who, column.LINK] = NOBODY
    if s.queues[row, column.HEAD] == NOBODY:
        s.queues[row, column.HEAD] = who
    else:
        s.people[s.queues[row, column.TAIL], column.LINK] = who
    s.queues[row, column.TAIL] = who
    s.host[host, column.WAITING] += 1
    s.host[host, column.MOST_WAITING] = max(
        s.host[host, column.MOST_WAITING], s.host[host, column.WAITING]
    )
    if s.queues[row, column.HEAD] == who:
        schedule(m, s, host)


@internal
def take(s: State, host: int) -> int:
    """Return who has waited longest of those who go first; somebody waits."""
    for priority in range(PRIORITIES):
        row = host * PRIORITIES + priority
        if s.queues[row, column.HEAD] != NOBODY:
            return unqueue(s, host, row)
    return NOBODY


@internal
def unqueue(s: State, host: int, row: int) -> int:
    """Return the first of one queue, who waits no longer."""
    who = s.queues[row, column.HEAD]
    s.queues[row, column.HEAD] = s.people[who, column.LINK]
    s.host[host, column.WAITING] -= 1
    return who


@internal
def expired(m: Model, s: State, host: int, now: int) -> int:
    """Return somebody whose time in the queue is over, or NOBODY."""
    for priority in range(PRIORITIES):
        row = host * PRIORITIES + priority
        head = s.queues[row, column.HEAD]
        if (
            head != NOBODY
            and s.people[head, column.MOMENT] + m.hosts[host, column.QUEUE_TIME] <= now
        ):
            return unqueue(s, host, row)
    return NOBODY
