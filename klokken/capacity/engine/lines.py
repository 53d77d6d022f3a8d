"""Lines: messages on their way, each line with a delay of its own.

As a line's delay is constant, what was sent first arrives first: a list is all it takes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.engine import column
from klokken.capacity.engine.agenda import NEVER, put
from klokken.capacity.engine.compiled import internal
from klokken.capacity.engine.state import LINES, NOBODY

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Model
    from klokken.capacity.engine.state import State

# Kinds of lines: to a tier, the first with a connection to set up, back from a tier to the one
# above, and from a tier to the pupil. Their numbers, of T tiers: 0 to T - 1, T, then T each.
IN, SET_UP, BACK, HOME = range(4)


@internal
def number(m: Model, kind: int, tier: int) -> int:
    """Return the number of a line."""
    tiers = len(m.tiers)
    if kind == IN:
        return tier
    if kind == SET_UP:
        return tiers
    return tiers + 1 + tier + (tiers if kind == HOME else 0)


@internal
def kind_of(m: Model, line: int) -> int:
    """Return the kind of a line by its number."""
    tiers = len(m.tiers)
    if line < tiers:
        return IN
    if line == tiers:
        return SET_UP
    return BACK if line <= 2 * tiers else HOME


@internal
def send(m: Model, s: State, who: int, kind: int, tier: int, now: int) -> None:
    """Send a pupil's message."""
    delay = m.tiers[tier, column.TRIP]
    if kind == SET_UP:
        delay += m.set_up
    elif kind == HOME:
        delay = m.tiers[tier, column.WAY_HOME]
    line = number(m, kind, tier)
    s.people[who, column.MOMENT] = now + delay
    s.people[who, column.LINK] = NOBODY
    if s.lines[line, column.HEAD] == NOBODY:
        s.lines[line, column.HEAD] = who
        put(s.agenda, LINES + line, now + delay)
    else:
        s.people[s.lines[line, column.TAIL], column.LINK] = who
    s.lines[line, column.TAIL] = who


@internal
def receive(s: State, line: int) -> int:
    """Return whose message has arrived."""
    who = s.lines[line, column.HEAD]
    following = s.people[who, column.LINK]
    s.lines[line, column.HEAD] = following
    due = NEVER if following == NOBODY else s.people[following, column.MOMENT]
    put(s.agenda, LINES + line, due)
    return who
