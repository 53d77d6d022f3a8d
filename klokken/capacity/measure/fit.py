"""Demands from steps: cores = idle + sum(demand x journeys a second), nothing below 0.

The line is never forced through the origin: what a site uses with nobody there would be counted
as the journeys' own, and more so the lighter the load. Intervals are those of a bootstrap over
steps: the expanded percentile interval (Hesterberg, *What Teachers Should Know About the
Bootstrap*, The American Statistician 69(4), 2015, 4.2), which allows for few steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from klokken.curve import Floats

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Line:
    """Estimates and the ends of their intervals: of what is idle first, then of each journey.

    `spread` is the standard deviation of what the line leaves over.
    """

    value: Floats
    low: Floats
    high: Floats
    spread: float


def line(rates: Floats, used: Floats) -> Floats:
    """Return the estimates alone."""
    return _least(_design(rates), used)


def fitted(rates: Floats, used: Floats, seed: int) -> Line:
    """Fit what was `used` in each step to its journeys a second, a row of `rates` each.

    There must be more steps than journeys and one more.
    """
    # Importing it takes a second, and most that import this fit nothing.
    from scipy.special import ndtr, stdtrit  # noqa: PLC0415 - as above

    design = _design(rates)
    value = line(rates, used)
    resampled = _resampled(design, used, seed)
    steps, unknowns = design.shape
    # As far out as Student's t lies, and by as much as a line through few steps fits too well.
    far = stdtrit(steps - unknowns, (1 + CONFIDENCE) / 2) * np.sqrt(steps / (steps - unknowns))
    tail = ndtr(-far)
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    left = used - design @ value
    return Line(
        value=value,
        low=np.minimum(low, value),
        high=np.maximum(high, value),
        spread=float(np.sqrt(left @ left / (steps - unknowns))),
    )


def _design(rates: Floats) -> Floats:
    return np.column_stack([np.ones(len(rates)), rates])


def _resampled(design: Floats, used: Floats, seed: int) -> Floats:
    """Return the estimates of draws of steps, but for those with less than half of them in.

    Few steps are often drawn from two or three alone, and what a line through these says would
    be all that the ends of an interval tell.
    """
    random = np.random.Generator(np.random.Philox(seed))
    picks = random.integers(0, len(used), (RESAMPLES, len(used)))
    ordered = np.sort(picks, axis=1)
    different = 1 + (np.diff(ordered, axis=1) > 0).sum(axis=1)
    solvable = np.linalg.matrix_rank(design[picks]) == design.shape[1]
    picks = picks[solvable & (2 * different >= len(used))]
    several = design[picks]
    squares = np.einsum("dsi,dsj->dij", several, several)
    products = np.einsum("dsi,ds->di", several, used[picks])
    found: Floats = np.linalg.solve(squares, products[..., None])[..., 0]
    # Where least squares alone stays above 0, nothing need keep it there.
    for draw in np.flatnonzero((found < 0).any(axis=1)):
        found[draw] = _least(several[draw], used[picks[draw]])
    return found


def _least(design: Floats, used: Floats) -> Floats:
    """Return the least squares with nothing below 0."""
    # As above.
    from scipy.optimize import nnls  # noqa: PLC0415 - as above

    found: Floats = nnls(design, used)[0]
    return found
