"""The agenda: what happens next, among a fixed number of sources of events.

A tree of what is due: each node holds the earlier of the two below it. A moment and its source
are one number, so of two at the same moment the source of the lower number goes first. That keeps
the order of events, and so every result, defined; and a comparison needs no branch, which a
processor would guess wrongly half of the time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine.compiled import internal

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers

# Later than any moment of a simulation, in nanoseconds.
NEVER = (1 << 63) - 1
# The first entry of an agenda tells how many bits of its other entries are the source's.
_BITS, _ROOT = 0, 1


def empty(sources: int) -> Integers:
    """Return the agenda of so many sources, none of them due.

    Entry 1 is the root, 2n and 2n + 1 are below n, and the sources are the leaves. Of thousand
    sources the moments may be a hundred days long.
    """
    bits = max(1, (sources - 1).bit_length())
    agenda = np.full(2 << bits, NEVER, np.int64)
    agenda[_BITS] = bits
    return agenda


@internal
def put(agenda: Integers, source: int, moment: int) -> None:
    """Say that `source` is next due at `moment`, or NEVER."""
    bits = agenda[_BITS]
    due = (moment << bits) | source if moment < (NEVER >> bits) else NEVER
    place = source + (len(agenda) >> 1)
    if agenda[place] == due:
        return
    agenda[place] = due
    while place > _ROOT:
        due = min(due, agenda[place ^ 1])
        place >>= 1
        agenda[place] = due


@internal
def next_moment(agenda: Integers) -> int:
    """Return when something is next due, or NEVER."""
    due = agenda[_ROOT]
    return due >> agenda[_BITS] if due < NEVER else NEVER


@internal
def next_source(agenda: Integers) -> int:
    """Return what is next due."""
    return agenda[_ROOT] & ((1 << agenda[_BITS]) - 1)
