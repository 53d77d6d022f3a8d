"""What is counted: whole numbers by minute, and log-linear histograms of microseconds.

A histogram has 128 buckets an octave, so a value is known to 0.8 %.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.engine.compiled import compiled, internal

if TYPE_CHECKING:
    from klokken.capacity.engine.model import Integers

# What became of an attempt. FULL: no place left, a 503 at once; EXPIRED: a 503 after the queue's
# time; LOST: its host died; DOWN: no host was up; LEFT: the pupil's patience ended.
ANSWERED, FULL, EXPIRED, LOST, DOWN, LEFT = range(6)
KINDS = ("ok", "full", "expired", "lost", "down", "abandoned")

_MICRO = 1000
_BITS = 7
# 2**28 microseconds are 268 s; what is longer counts there.
_LONGEST = (1 << 28) - 1
BUCKETS = (28 - _BITS - 1) * (1 << _BITS) + (1 << (_BITS + 1))
MINUTE = 60_000_000_000


@compiled
def bucket(nanoseconds: int) -> int:
    """Return the bucket of a duration."""
    value = min(nanoseconds // _MICRO, _LONGEST)
    shift = 0
    while (value >> shift) >= (1 << (_BITS + 1)):
        shift += 1
    return (shift << _BITS) + (value >> shift)


@internal
def minute(nanoseconds: int, minutes: int) -> int:
    """Return the minute of a moment; what is later than the last counts there."""
    return min(nanoseconds // MINUTE, minutes - 1)


def highest() -> Integers:
    """Return the most microseconds that each bucket holds."""
    index = np.arange(BUCKETS)
    shift = np.maximum(0, (index >> _BITS) - 1)
    found: Integers = ((index - (shift << _BITS) + 1) << shift) - 1
    return found


def percentile(histogram: Integers, share: float) -> float:
    """Return, in seconds, what `share` of a histogram's values do not exceed; 0 where empty."""
    total = int(histogram.sum())
    if not total:
        return 0.0
    # The least whole number of values that is at least this share of them.
    wanted = max(1, int(np.ceil(share * total - 1e-9)))
    place = int(np.searchsorted(np.cumsum(histogram), wanted))
    return float(highest()[place]) / 1e6
