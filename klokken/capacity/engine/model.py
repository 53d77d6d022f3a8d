"""What is to happen, as tables of whole numbers; `klokken.capacity.model` fills them."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Integers: TypeAlias = NDArray[np.int64]

# How requests are shared out among the hosts of a tier.
BALANCES = ("spread", "least", "cell", "first")
# The phases of a host after its start.
COLD, WARMING, WARM = 0, 1, 2
# How often a host has been visited that was there, and warm, from the beginning.
LONG_WARM = 1 << 60
# Tiers on a request's way, at most; tiers; and kinds of queues of a host.
DEEPEST = 3
MOST_TIERS = 4
PRIORITIES = 3


class Model(NamedTuple):
    """Compiled code only reads it. The columns of each table are in `column`.

    `work` is by request, tier and column, in nanoseconds; `connection` is one row of the same.
    `pauses` has the longest pause after each failed attempt but the last. `patience` and `think`
    are quantiles, each as likely as the other; without `think` the requests' own times hold.
    """

    seed: int
    set_up: int
    minutes: int
    requests: Integers
    work: Integers
    connection: Integers
    tiers: Integers
    hosts: Integers
    pauses: Integers
    patience: Integers
    think: Integers
    arrivals: Integers
    faults: Integers
    logs: Integers
