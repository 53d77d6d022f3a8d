"""What the simulator makes of people: how long they think and wait, and how they try again.

Times are tables of quantiles in whole microseconds, written as nanoseconds: a logarithm that
differs in its last bit between two machines does not change them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klokken.capacity.demands import Conduct, Request
    from klokken.capacity.engine.model import Integers
    from klokken.people import Even, Lognormal, People
    from klokken.retries import Retries

_QUANTILES = 4096
_MICRO, _NANOS_A_MICRO = 1_000_000, 1_000


@dataclass(frozen=True, slots=True)
class Manners:
    """Quantiles of patience and of one thought, in nanoseconds; `think` is empty without people.

    A page that does not come is waited for until patience ends, and not loaded again before.
    """

    retries: Retries
    patience: Integers
    think: Integers

    @classmethod
    def of(cls, people: People | None, conduct: Conduct) -> Manners:
        """Return the manners of `people`, or of a journey's `conduct` where nobody is described."""
        if people is None:
            constant = round(conduct.patience_seconds * _MICRO) * _NANOS_A_MICRO
            return cls(conduct.retries, np.array([constant]), np.array([], np.int64))
        return cls(people.again.retries, _quantiles(people.patience), _quantiles(people.think))

    def thinks(self, request: Request) -> float:
        """Return how many seconds are thought after a request, on average."""
        if not len(self.think):
            return request.think_seconds
        return float(self.think.mean()) / 1e9 if request.looks else 0.0

    def longest(self, requests: list[Request]) -> float:
        """Return how long a journey without failures takes at most, waiting and thinking."""
        looks = sum(request.looks for request in requests)
        thinking = (
            looks * float(self.think[-1]) / 1e9
            if len(self.think)
            else sum(request.think_seconds for request in requests)
        )
        return thinking + float(self.patience[-1]) / 1e9


def _quantiles(span: Lognormal | Even) -> Integers:
    middles = ((number + 0.5) / _QUANTILES for number in range(_QUANTILES))
    micros = [round(span.at(share) * _MICRO) for share in middles]
    return np.array(micros, np.int64) * _NANOS_A_MICRO
