"""Recovery: how long after a fault's end pupils could store their work, and log in, again."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from klokken.logins import Login
    from klokken.writes import Write

# Service is back with the first that succeeds after which, for so many seconds, so large a share
# of what was sent succeeded as well.
STEADY_SECONDS = 5.0
STEADY_SHARE = 0.95
# Seconds after a fault's end within which service must be back.
LIMIT = 30.0
# A write that failed this many seconds after it was sent may have been met by a fault that began
# meanwhile, so it counts among those that failed during the fault.
UNDER_WAY = 5.0


class _Try(NamedTuple):
    """One write or login: when it was sent, and when it succeeded, where it did."""

    sent: float
    done: float | None


def back_after(writes: Sequence[Write], ended: float, cell: int | None = None) -> float | None:
    """Return seconds from `ended` (Unix s) until service was back on `cell`, or on every cell.

    Only writes sent after `ended` count; service is back when the first such write is
    *acknowledged*, so that one answered late does not make an outage look short. None where it
    never came back, or nobody tried.
    """
    cells = {w.cell for w in writes} if cell is None else {cell}
    times = [
        _back((_Try(w.sent, w.acknowledged) for w in writes if w.cell == c), ended) for c in cells
    ]
    if not times or None in times:
        return None
    return max(t for t in times if t is not None) - ended


def logins_back_after(logins: Sequence[Login], ended: float) -> float | None:
    """Return the same for logins: until the tokens of the first were there, or None."""
    back = _back((_Try(one.sent, None if one.cause else one.ended) for one in logins), ended)
    return None if back is None else back - ended


def failed_during(
    writes: Iterable[Write], began: float, until: float | None, cell: int | None = None
) -> int:
    """Return how many writes to `cell`, or to any, were not acknowledged during a fault.

    It counts those sent from its beginning until service was back, or ever after for None, and
    those that were under way when it began.
    """
    first, last = began - UNDER_WAY, math.inf if until is None else until
    return sum(
        write.outcome != "acknowledged" and first <= write.sent <= last
        for write in writes
        if cell in (None, write.cell)
    )


def _back(tries: Iterable[_Try], ended: float) -> float | None:
    """Return the earliest success that a steady stretch of those sent after `ended` begins with."""
    sent = sorted((one for one in tries if one.sent >= ended), key=attrgetter("sent"))
    times = [one.sent for one in sent]
    kept = list(accumulate((one.done is not None for one in sent), initial=0))

    def steady(at: float) -> bool:
        first, end = bisect_left(times, at), bisect_right(times, at + STEADY_SECONDS)
        return kept[end] - kept[first] >= STEADY_SHARE * (end - first)

    return min(
        (one.done for one in sent if one.done is not None and steady(one.sent)),
        default=None,
    )
