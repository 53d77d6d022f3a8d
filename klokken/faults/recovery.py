"""Recovery: how long after a fault's end pupils could store their work again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.writes import Write

# Service is back with the first acknowledged write after which, for so many seconds, so large a
# share of what was sent was acknowledged as well.
STEADY_SECONDS = 5.0
STEADY_SHARE = 0.95
# Seconds after a fault's end within which service must be back.
LIMIT = 30.0


def back_after(writes: Sequence[Write], ended: float, cell: int | None = None) -> float | None:
    """Return seconds from `ended` (Unix s) until service was back on `cell`, or on every cell.

    Only writes sent after `ended` count; service is back when the first such write is
    *acknowledged*, so that one answered late does not make an outage look short. None where it
    never came back, or nobody tried.
    """
    cells = {w.cell for w in writes} if cell is None else {cell}
    times = [_back(sorted(_of(writes, c, ended), key=attrgetter("sent"))) for c in cells]
    if not times or None in times:
        return None
    return max(t for t in times if t is not None) - ended


def _of(writes: Sequence[Write], cell: int, ended: float) -> list[Write]:
    return [w for w in writes if w.cell == cell and w.sent >= ended]


def _back(sent: list[Write]) -> float | None:
    """Return the earliest acknowledgement that a steady stretch of `sent` begins with."""
    times = [w.sent for w in sent]
    kept = list(accumulate((w.outcome == "acknowledged" for w in sent), initial=0))

    def steady(at: float) -> bool:
        first, end = bisect_left(times, at), bisect_right(times, at + STEADY_SECONDS)
        return kept[end] - kept[first] >= STEADY_SHARE * (end - first)

    return min(
        (w.acknowledged for w in sent if w.acknowledged is not None and steady(w.sent)),
        default=None,
    )
