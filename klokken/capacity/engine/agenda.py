"""The agenda: what happens next, among a fixed number of sources of events.

A tree of winners: each node names the source with the earliest time below it, the one of the
lower number where two are equal. That keeps the order of events, and so every result, defined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine.compiled import internal

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers

# Later than any moment of a simulation, in nanoseconds.
NEVER = 1 << 62


def empty(sources: int) -> tuple[Integers, Integers]:
    """Return the times and the winners of an agenda of so many sources, none of them due.

    Both are trees: entry 1 is the root, 2n and 2n + 1 are below n, and the sources are the leaves.
    """
    size = 1 << max(1, (sources - 1).bit_length())
    times = np.full(2 * size, NEVER, np.int64)
    winners = np.zeros(2 * size, np.int64)
    winners[size:] = np.arange(size)
    for place in range(size - 1, 0, -1):
        winners[place] = winners[2 * place]
    return times, winners


@internal
def put(times: Integers, winners: Integers, source: int, moment: int) -> None:
    """Say that `source` is next due at `moment`, or NEVER."""
    place = source + (len(times) >> 1)
    if times[place] == moment:
        return
    times[place] = moment
    winner = source
    while place > 1:
        other = place ^ 1
        # The left one of two has the lower numbers, and goes first where both are due at once.
        if times[other] < moment or (times[other] == moment and other < place):
            moment, winner = times[other], winners[other]
        place >>= 1
        # Above a node that says what it said before, nothing can change.
        if times[place] == moment and winners[place] == winner:
            return
        times[place] = moment
        winners[place] = winner
