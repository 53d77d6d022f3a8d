"""Processor sharing over the cores of a host, by virtual time.

All jobs of a host progress alike: at full speed while there are no more than cores, else at
cores / jobs. A virtual clock that runs at that speed makes it simple: a job that begins at V
ends when the clock shows V + its demand, so the next to end is the least of a heap, and nobody
else's remaining work is ever touched. Time is in nanoseconds, virtual time in ticks of 1/256 ns;
both are integers, and what rounding takes is at most a tick an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.engine.agenda import NEVER
from klokken.capacity.engine.compiled import internal

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers

TICK_BITS = 8


@internal
def progressed(clock: int, passed: int, jobs: int, cores: int) -> int:
    """Return what a virtual clock shows after `passed` nanoseconds."""
    if jobs <= cores:
        return clock + (passed << TICK_BITS)
    return clock + ((passed * cores) << TICK_BITS) // jobs


@internal
def ends(clock: int, moment: int, first: int, jobs: int, cores: int) -> int:
    """Return when the clock, that shows `clock` at `moment`, will have reached `first`."""
    if jobs == 0:
        return NEVER
    left = first - clock
    if left <= 0:
        return moment
    if jobs > cores:
        left = (left * jobs + cores - 1) // cores
    return moment + ((left + (1 << TICK_BITS) - 1) >> TICK_BITS)


@internal
def push(keys: Integers, names: Integers, start: int, size: int, key: int, name: int) -> None:
    """Add to the heap of `size` entries that begins at `start`; equal keys go by name."""
    place = size
    while place > 0:
        above = (place - 1) >> 1
        other = keys[start + above]
        if other < key or (other == key and names[start + above] < name):
            break
        keys[start + place] = other
        names[start + place] = names[start + above]
        place = above
    keys[start + place] = key
    names[start + place] = name


@internal
def pop(keys: Integers, names: Integers, start: int, size: int) -> int:
    """Remove the least of the heap of `size` entries that begins at `start`; return its name."""
    least = names[start]
    last = size - 1
    key, name = keys[start + last], names[start + last]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= last:
            break
        if below + 1 < last:
            below += _before(keys, names, start + below + 1, start + below)
        other = keys[start + below]
        if key < other or (key == other and name < names[start + below]):
            break
        keys[start + place] = other
        names[start + place] = names[start + below]
        place = below
    keys[start + place] = key
    names[start + place] = name
    return least


@internal
def _before(keys: Integers, names: Integers, one: int, other: int) -> bool:
    """Say whether one goes first, without a branch, which would be guessed wrongly."""
    equal = (keys[one] == keys[other]) & (names[one] < names[other])
    return (keys[one] < keys[other]) | equal
