"""The arrival curve: at which moment each pupil comes, drawn from a profile's density.

Times are seconds since midnight. Every pupil's time is an independent draw, which makes the
arrivals a Poisson process conditioned on its total. A draw depends on (seed, pupil) alone, so
that any split of the pupils over workers and hosts gives exactly the same morning.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, sqrt
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from klokken.arrivals import Bell, Mixture, Table, Uniform

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import time

Floats: TypeAlias = NDArray[np.float64]

# Grid points over the window, and as many again over the ten spreads around the centre, so
# that a narrow bell in a wide window is as exact as a wide one.
_POINTS = 2**15 + 1
_SPREADS = 10.0
# Philox makes four 64-bit words at each step of its counter.
_WORDS = 4


def seconds(moment: time) -> float:
    """Return `moment` as seconds since midnight."""
    return moment.hour * 3600 + moment.minute * 60 + moment.second + moment.microsecond / 1e6


@dataclass(frozen=True, slots=True)
class Curve:
    """A distribution over a window, as its cumulative shares `cdf` at the moments `grid`."""

    grid: Floats
    cdf: Floats

    @classmethod
    def of(cls, arrivals: Bell | Uniform | Table | Mixture) -> Curve:
        """Return the curve that a profile's `arrivals` describe."""
        match arrivals:
            case Bell():
                return cls._bell(arrivals)
            case Uniform():
                return cls.of_shares([arrivals.opens, arrivals.closes], [1.0])
            case Table():
                moments = [*(row.at for row in arrivals.rows), arrivals.closes]
                return cls.of_shares(moments, [row.share for row in arrivals.rows])
            case Mixture():
                curves = [cls.of(part.curve) for part in arrivals.curves]
                return cls.mixed(curves, [part.share.value for part in arrivals.curves])

    @classmethod
    def _bell(cls, bell: Bell) -> Curve:
        centre, spread = seconds(bell.centre.value), bell.spread.value
        return cls.from_density(
            lambda t: _skew_normal((t - centre) / spread, bell.skew.value),
            seconds(bell.opens),
            seconds(bell.closes),
            around=(centre - _SPREADS * spread, centre + _SPREADS * spread),
        )

    @classmethod
    def of_shares(cls, moments: Sequence[time], shares: Sequence[float]) -> Curve:
        """Return the curve that has each of `shares` spread evenly from its moment to the next."""
        cdf = np.concatenate([[0.0], np.cumsum(shares)])
        return cls(np.array([seconds(moment) for moment in moments]), cdf / cdf[-1])

    @classmethod
    def mixed(cls, curves: Sequence[Curve], shares: Sequence[float]) -> Curve:
        """Return the curve by which each of `shares` of the pupils comes by its own of `curves`."""
        grid = np.unique(np.concatenate([curve.grid for curve in curves]))
        parts = [
            share * np.interp(grid, curve.grid, curve.cdf)
            for curve, share in zip(curves, shares, strict=True)
        ]
        cdf = np.sum(parts, axis=0)
        return cls(grid, cdf / cdf[-1])

    @classmethod
    def from_density(
        cls,
        density: Callable[[Floats], Floats],
        opens: float,
        closes: float,
        around: tuple[float, float] | None = None,
    ) -> Curve:
        """Return the curve of any `density` (not normalised), cut to [`opens`, `closes`].

        `around` names the stretch in which the density changes fastest.
        """
        low, high = around or (opens, closes)
        grid = np.unique(
            np.concatenate(
                [
                    np.linspace(opens, closes, _POINTS),
                    np.linspace(max(low, opens), min(high, closes), _POINTS),
                ]
            )
        )
        heights = density(grid)
        areas = np.diff(grid) * (heights[1:] + heights[:-1]) / 2
        cdf = np.concatenate([[0.0], np.cumsum(areas)])
        return cls(grid, cdf / cdf[-1])

    def due(self, seed: int, first: int, end: int) -> Floats:
        """Return when the pupils `first` to `end` - 1 are due, in the order of their numbers."""
        return np.interp(draws(seed, first, end), self.cdf, self.grid)

    def share_before(self, moment: float) -> float:
        """Return the share of all pupils due before `moment`."""
        return float(np.interp(moment, self.grid, self.cdf))


def draws(seed: int, first: int, end: int) -> Floats:
    """Return one uniform number in (0, 1) for each of the pupils `first` to `end` - 1."""
    source = np.random.Philox(key=seed)
    skipped = first % _WORDS
    source.advance(first // _WORDS)
    words = source.random_raw(end - first + skipped)[skipped:]
    # 52 bits and a half are what a double holds exactly; the half keeps both ends out.
    return ((words >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52


def _skew_normal(z: Floats, shape: float) -> Floats:
    """Return the density of the skew-normal distribution at `z`, up to a constant."""
    bell: Floats = np.exp(-0.5 * z * z)
    if shape == 0:
        return bell
    lean = np.fromiter((1 + erf(shape * x / sqrt(2)) for x in z), np.float64, len(z))
    return bell * lean
