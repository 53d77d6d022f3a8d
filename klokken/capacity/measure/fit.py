"""Demands from steps: cores = idle + sum(demand x journeys a second), nothing below 0.

The line is never forced through the origin: what a site uses with nobody there would be counted
as the journeys' own, and more so the lighter the load. Intervals are those of a bootstrap over
storms, of which one may show several rows: the expanded percentile interval (Hesterberg, *What
Teachers Should Know About the Bootstrap*, The American Statistician 69(4), 2015, 4.2), which allows
for few of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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


def fitted(rates: Floats, used: Floats, seed: int, runs: Sequence[int] | None = None) -> Line:
    """Fit what was `used` in each row to its journeys a second, a row of `rates` each.

    There must be more rows than journeys and one more. `runs` says of each row of which storm it
    is, from 0; each is of its own where it is left out.
    """
    # Importing it takes a second, and most that import this fit nothing.
    from scipy.special import ndtr, stdtrit  # noqa: PLC0415 - as above

    design = _design(rates)
    value = line(rates, used)
    rows, unknowns = design.shape
    of_run = np.arange(rows) if runs is None else np.asarray(runs)
    resampled = _resampled(design, used, of_run, seed)
    # As far out as Student's t lies, and by as much as a line through few rows fits too well.
    # Rows of one storm err alike, so that there is no more to learn from than storms.
    freedom = min(rows - unknowns, int(of_run.max()))
    far = stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(rows / (rows - unknowns))
    tail = ndtr(-far)
    low, high = np.quantile(resampled, [tail, 1 - tail], axis=0)
    left = used - design @ value
    return Line(
        value=value,
        low=np.minimum(low, value),
        high=np.maximum(high, value),
        spread=float(np.sqrt(left @ left / (rows - unknowns))),
    )


def _design(rates: Floats) -> Floats:
    return np.column_stack([np.ones(len(rates)), rates])


def _resampled(design: Floats, used: Floats, of_run: NDArray[np.int64], seed: int) -> Floats:
    """Return the estimates of draws of storms, but for those with less than half of them in.

    Few storms are often drawn from two or three alone, and what a line through these says would
    be all that the ends of an interval tell.
    """
    random = np.random.Generator(np.random.Philox(seed))
    runs = int(of_run.max()) + 1
    picks = random.integers(0, runs, (RESAMPLES, runs))
    counts = np.zeros((RESAMPLES, runs))
    np.add.at(counts, (np.arange(RESAMPLES)[:, None], picks), 1.0)
    # How often each row was drawn, with all others of its storm.
    weights = counts[:, of_run]
    solvable = np.linalg.matrix_rank(design * (weights > 0)[..., None]) == design.shape[1]
    weights = weights[solvable & (2 * (counts > 0).sum(axis=1) >= runs)]
    squares = np.einsum("dr,ri,rj->dij", weights, design, design, optimize=True)
    products = np.einsum("dr,ri,r->di", weights, design, used, optimize=True)
    found: Floats = np.linalg.solve(squares, products[..., None])[..., 0]
    # Where least squares alone stays above 0, nothing need keep it there.
    for draw in np.flatnonzero((found < 0).any(axis=1)):
        often = np.sqrt(weights[draw])
        found[draw] = _least(design * often[:, None], used * often)
    return found


def _least(design: Floats, used: Floats) -> Floats:
    """Return the least squares with nothing below 0."""
    # As above.
    from scipy.optimize import nnls  # noqa: PLC0415 - as above

    found: Floats = nnls(design, used)[0]
    return found
