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
    """Return the times and the winners of an agenda of so many sources, none of them due."""
    size = 1 << max(1, (sources - 1).bit_length())
    times = np.full(size, NEVER, np.int64)
    winners = np.zeros(2 * size, np.int64)
    winners[size:] = np.arange(size)
    for place in range(size - 1, 0, -1):
        winners[place] = winners[2 * place]
    return times, winners


@internal
def put(times: Integers, winners: Integers, source: int, moment: int) -> None:
    """Say that `source` is next due at `moment`, or NEVER."""
    if times[source] == moment:
        return
    times[source] = moment
    place = (source + len(times)) >> 1
    while place > 0:
        left, right = winners[2 * place], winners[2 * place + 1]
        winner = left if times[left] <= times[right] else right
        # Above a node that another source wins, as before, nothing can change.
        if winner == winners[place] and winner != source:
            return
        winners[place] = winner
        place >>= 1
