"""The morning to simulate: which pupils come, and when, in whole nanoseconds.

They come by the draws of a storm of the same seed, within the second in which the storm has
them. The curve is first rounded to 2**-24 of all pupils at each whole second, less than a tenth
of a pupil in a million: its exponentials may differ in the last bit between two machines, the
rounded shares do not, and from there on all is integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from klokken.curve import Curve, draws, seconds
from klokken.population import schools, schools_of, teachers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.engine.model import Integers
    from klokken.profile import Profile

NANO = 1_000_000_000
MINUTE_SECONDS = 60
_SHARE_BITS = 24
# A draw of `curve.draws` is a whole number of 2**-53.
_DRAW_BITS = 53
# Dropped before a product that would not fit 64 bits; what is left tells nanoseconds apart.
_DROPPED = 22


def pupils_of(profile: Profile, fraction: float) -> int:
    """Return how many pupils so large a share of a profile's are."""
    return max(1, round(profile.pupils.value * fraction))


def everyone(profile: Profile, fraction: float = 1.0) -> int:
    """Return how many people a share of a profile has: pupils, and teachers where they come too."""
    pupils = pupils_of(profile, fraction)
    return pupils + (teachers(pupils) if profile.journey == "morning" else 0)


@dataclass(frozen=True, slots=True)
class Morning:
    """People by number, when each is due in nanoseconds since `opens`, and their schools.

    In an exam they are errands, and `begins` is the request that each of them begins with.
    """

    people: Integers
    due: Integers
    schools: Integers
    seconds: int
    begins: Integers | None = None

    @classmethod
    def of(cls, profile: Profile, seed: int, fraction: float) -> Morning:
        """Return the morning of `fraction` of the pupils of a profile."""
        pupils = pupils_of(profile, fraction)
        count = everyone(profile, fraction)
        shares = _shares(profile)
        at_school, due = schools_of(0, count, pupils), _due(shares, seed, count)
        length = len(shares) - 1
        if profile.bells:
            moves = (profile.bells.moves(seed, schools(pupils)) * NANO).astype(np.int64)
            opens, closes = (seconds(moment) for moment in profile.window)
            due += moves[at_school] - round((opens - seconds(profile.arrivals.opens)) * NANO)
            length = int(np.ceil(closes - opens))
        return cls(np.arange(count), due, at_school, length)

    @property
    def comes(self) -> Integers:
        """The places of those who begin with the first request: everybody, once."""
        return np.flatnonzero(self.first == 0)

    @property
    def first(self) -> Integers:
        """The request that each begins with."""
        return np.zeros_like(self.people) if self.begins is None else self.begins

    def by_second(self) -> Integers:
        """Return how many are due in each second since `opens`."""
        return np.bincount(self.due // NANO, minlength=self.seconds)

    def by_request(self, begins: Sequence[int]) -> Integers:
        """Return in how many errands each request is due in each second, a row a request.

        `begins` says of each request with which one its errand begins.
        """
        second, first = self.due // NANO, self.first
        rows = {
            number: np.bincount(second[first == number], minlength=self.seconds)
            for number in set(begins)
        }
        return np.array([rows[number] for number in begins])


def _shares(profile: Profile) -> Integers:
    """Return the share of all who are due before each whole second, in units of 2**-24."""
    opens, closes = seconds(profile.arrivals.opens), seconds(profile.arrivals.closes)
    curve = Curve.of(profile.arrivals)
    length = int(np.ceil(closes - opens))
    before = [curve.share_before(opens + second) for second in range(length + 1)]
    shares = np.array([round(share * 2**_SHARE_BITS) for share in before], np.int64)
    shares[0], shares[-1] = 0, 1 << _SHARE_BITS
    return shares


def _due(shares: Integers, seed: int, count: int) -> Integers:
    drawn = (draws(seed, 0, count) * 2.0**_DRAW_BITS).astype(np.int64)
    edges = shares << (_DRAW_BITS - _SHARE_BITS)
    second = np.searchsorted(edges, drawn, side="right") - 1
    into = (drawn - edges[second]) >> _DROPPED
    width = (edges[second + 1] - edges[second]) >> _DROPPED
    due: Integers = second * NANO + into * NANO // width
    return due
