"""Which rates are tried, and which of them is the highest that holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# Mornings a second, rising.
RATES = (1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0, 12.0, 16.0)


def climb(carries: Callable[[float], bool], rates: Iterable[float]) -> float:
    """Return the highest rate that was carried, 0 where none was; each is tried once.

    After the first that misses, the one half-way down to the last that held is tried.
    """
    best = 0.0
    for rate in rates:
        if carries(rate):
            best = rate
            continue
        between = (best + rate) / 2
        return between if carries(between) else best
    return best
