"""How attempts end: answered, failed or left, and what the pupil does then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.engine import column
from klokken.capacity.engine.agenda import NEVER, put
from klokken.capacity.engine.chance import PAUSE, THINK, below, drawn, quantile, spread
from klokken.capacity.engine.compiled import internal
from klokken.capacity.engine.hosts import release_all, schedule, start, take
from klokken.capacity.engine.lines import IN, SET_UP, send
from klokken.capacity.engine.sharing import pop, push
from klokken.capacity.engine.state import (
    FREED,
    OUTSIDE,
    PAUSES_FROM,
    PAUSING,
    RETURNING,
    TRAVELLING,
)
from klokken.capacity.engine.tally import ANSWERED, LEFT, bucket, minute

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Model
    from klokken.capacity.engine.state import State

# A pause is half drawn, in steps of a millionth.
_STEP_BITS = 20


@internal
def ask(m: Model, s: State, who: int, now: int) -> None:
    """Send the pupil's next request."""
    s.people[who, column.SENT] = now
    s.people[who, column.LEVEL] = 0
    s.people[who, column.WHERE] = TRAVELLING
    connects = m.requests[s.people[who, column.REQUEST], column.CONNECTS] != 0
    send(m, s, who, SET_UP if connects else IN, 0, now)


@internal
def pause(s: State, who: int, until: int) -> None:
    """Let the pupil do nothing for a while."""
    s.people[who, column.WHERE] = OUTSIDE
    push(s.heap_keys, s.heap_names, s.totals[PAUSES_FROM], s.totals[PAUSING], until, who)
    s.totals[PAUSING] += 1
    put(s.agenda, RETURNING, s.heap_keys[s.totals[PAUSES_FROM]])


@internal
def resume(m: Model, s: State, now: int) -> None:
    """Let the pupil whose pause is over go on."""
    who = pop(s.heap_keys, s.heap_names, s.totals[PAUSES_FROM], s.totals[PAUSING])
    s.totals[PAUSING] -= 1
    left = s.totals[PAUSING]
    put(s.agenda, RETURNING, s.heap_keys[s.totals[PAUSES_FROM]] if left > 0 else NEVER)
    ask(m, s, who, now)


@internal
def _attempt_over(m: Model, s: State, who: int, kind: int, waited: int) -> None:
    """Count an attempt by when it was sent, and a wait that is over by when it was meant."""
    request = s.people[who, column.REQUEST]
    s.counts[request, kind, minute(s.people[who, column.SENT], m.minutes)] += 1
    if kind in (ANSWERED, LEFT):
        s.latency[request, minute(s.people[who, column.MEANT], m.minutes), bucket(waited)] += 1


@internal
def _journey_over(m: Model, s: State, who: int, kind: int, now: int) -> None:
    """Count a journey by when its pupil was due; time to think is no wait.

    Who failed has no time: to be refused at once must not make a minute look quick.
    """
    s.people[who, column.WHERE] = OUTSIDE
    s.people[who, column.ENDED] = now
    s.people[who, column.OUTCOME] = kind
    came = minute(m.arrivals[who, column.DUE], m.minutes)
    waited = max(0, now - m.arrivals[who, column.DUE] - s.people[who, column.THOUGHT])
    s.counts[len(m.requests), kind, came] += 1
    if kind in (ANSWERED, LEFT):
        s.latency[len(m.requests), came, bucket(waited)] += 1


@internal
def leave(m: Model, s: State, who: int) -> None:
    """End the journey of a pupil who has lost patience; it left when that ended."""
    _attempt_over(m, s, who, LEFT, s.people[who, column.LEAVES] - s.people[who, column.MEANT])
    _journey_over(m, s, who, LEFT, s.people[who, column.LEAVES])
    release_all(s, who)


@internal
def answered(m: Model, s: State, who: int, now: int) -> None:
    """Give a pupil its answer; it goes on with the next request, if there is one."""
    release_all(s, who)
    if now > s.people[who, column.LEAVES]:
        leave(m, s, who)
        return
    request = s.people[who, column.REQUEST]
    _attempt_over(m, s, who, ANSWERED, now - s.people[who, column.MEANT])
    if m.requests[request, column.LAST]:
        _journey_over(m, s, who, ANSWERED, now)
        return
    s.people[who, column.REQUEST] = request + 1
    s.people[who, column.MEANT] = now
    if m.requests[request, column.THINK_TIME] == 0:
        ask(m, s, who, now)
        return
    bits = drawn(
        m.seed, m.arrivals[who, column.PERSON], request, s.people[who, column.ATTEMPT], 0, THINK
    )
    if len(m.think) > 0:
        thinks = quantile(bits, m.think)
    else:
        thinks = (
            (m.requests[request, column.THINK_TIME] >> 8)
            * spread(bits, m.requests[request], column.THINK_SHAPE, m.logs)
        ) >> 8
    s.people[who, column.THOUGHT] += thinks
    s.people[who, column.LEAVES] += thinks
    s.people[who, column.MEANT] += thinks
    pause(s, who, now + thinks)


@internal
def failed(m: Model, s: State, who: int, kind: int, now: int) -> None:
    """Let an attempt fail; the pupil hears of it, and tries again or not."""
    request = s.people[who, column.REQUEST]
    _attempt_over(m, s, who, kind, 0)
    release_all(s, who)
    heard = (
        now
        + m.tiers[m.requests[request, column.PATH + s.people[who, column.LEVEL]], column.WAY_HOME]
    )
    tried = s.people[who, column.ATTEMPT]
    s.people[who, column.ATTEMPT] = tried + 1
    if tried >= len(m.pauses):
        _journey_over(m, s, who, kind, heard)
        return
    half = m.pauses[tried] >> 1
    bits = drawn(m.seed, m.arrivals[who, column.PERSON], request, tried, 0, PAUSE)
    again = heard + half + (half >> _STEP_BITS) * below(bits, 1 << _STEP_BITS)
    if again > s.people[who, column.LEAVES]:
        _journey_over(m, s, who, LEFT, s.people[who, column.LEAVES])
        return
    # Who begins anew means another request; the wait for the same one goes on.
    if m.requests[request, column.AGAIN] != request:
        s.people[who, column.REQUEST] = m.requests[request, column.AGAIN]
        s.people[who, column.MEANT] = again
    pause(s, who, again)


@internal
def settle(m: Model, s: State, now: int) -> None:
    """Give every place that became free to who waits for it."""
    while s.totals[FREED] > 0:
        s.totals[FREED] -= 1
        host = s.freed[s.totals[FREED]]
        if (
            s.host[host, column.WAITING] == 0
            or s.host[host, column.BUSY] >= m.hosts[host, column.WORKERS]
            or not s.host[host, column.UP]
        ):
            continue
        who = take(s, host)
        if now <= s.people[who, column.LEAVES]:
            start(m, s, who, host, now)
            continue
        # Its place is still free, and so are those that it held at the tiers above.
        s.freed[s.totals[FREED]] = host
        s.totals[FREED] += 1
        schedule(m, s, host)
        leave(m, s, who)
