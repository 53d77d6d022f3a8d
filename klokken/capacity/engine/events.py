"""The exact level: every pupil, every request, every event in its order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.engine import column
from klokken.capacity.engine.agenda import NEVER, next_moment, next_source, put
from klokken.capacity.engine.attempts import ask, resume, settle
from klokken.capacity.engine.chance import PATIENCE_DEPTH, THINK, drawn, quantile
from klokken.capacity.engine.compiled import compiled, internal
from klokken.capacity.engine.faults import fault
from klokken.capacity.engine.flow import message, work
from klokken.capacity.engine.state import (
    COMING,
    EVENTS,
    FAULTS,
    LINES,
    NEXT_COMING,
    RETURNING,
    State,
    fresh,
)
from klokken.capacity.engine.tally import minute

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Model


def simulate(model: Model) -> State:
    """Run the morning to its end, and return the state with all that was counted."""
    state = fresh(model)
    _run(model, state)
    return state


@internal
def _come(m: Model, s: State, now: int) -> None:
    """Let the next pupil come."""
    who = s.totals[NEXT_COMING]
    s.totals[NEXT_COMING] = who + 1
    put(
        s.agenda,
        COMING,
        m.arrivals[who + 1, column.DUE] if who + 1 < len(m.arrivals) else NEVER,
    )
    s.offered[minute(now, m.minutes)] += 1
    s.people[who, column.MEANT] = now
    s.people[who, column.REQUEST] = m.arrivals[who, column.BEGINS]
    person = m.arrivals[who, column.PERSON]
    bits = drawn(m.seed, person, 0, 0, PATIENCE_DEPTH, THINK)
    s.people[who, column.LEAVES] = now + quantile(bits, m.patience)
    ask(m, s, who, now)


@compiled
def _run(m: Model, s: State) -> None:
    hosts_from = LINES + len(s.lines)
    put(s.agenda, COMING, m.arrivals[0, column.DUE])
    if len(m.faults) > 0:
        put(s.agenda, FAULTS, m.faults[0, column.FAULT_TIME])
    while True:
        now, source = next_moment(s.agenda), next_source(s.agenda)
        if now == NEVER:
            return
        s.totals[EVENTS] += 1
        if source >= hosts_from:
            work(m, s, source - hosts_from, now)
        elif source >= LINES:
            message(m, s, source - LINES, now)
        elif source == COMING:
            _come(m, s, now)
        elif source == RETURNING:
            resume(m, s, now)
        else:
            fault(m, s, now)
        settle(m, s, now)
