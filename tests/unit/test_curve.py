from __future__ import annotations

from datetime import time
from itertools import pairwise
from math import erf, sqrt
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken.arrivals import Bell, Mixture, Table, Uniform
from klokken.curve import Curve, draws, seconds
from klokken.profile import Profile
from klokken.storm.attendance import attendance, shares
from tests import storms
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.curve import Floats

# Of n draws from a distribution, the largest gap between their shares and its own passes this
# much over the root of n once in ten thousand times (Kolmogorov). The seeds are fixed.
KOLMOGOROV = 2.23
EIGHT = 8 * 3600.0


def bell(spread: float = 120.0, skew: float = 0.0) -> Bell:
    because = {"assumed": True, "why": "a test"}
    return Bell.model_validate(
        {
            "kind": "bell",
            "opens": "07:52",
            "closes": "08:12",
            "centre": {"value": "08:00", **because},
            "spread": {"value": spread, **because},
            "skew": {"value": skew, **because},
        }
    )


def gap(values: Floats, cdf: Callable[[float], float]) -> float:
    """Return the largest distance between the values' own shares and `cdf`."""
    values = np.sort(values)
    exact = np.array([cdf(v) for v in values])
    steps = np.arange(len(values) + 1) / len(values)
    return float(max((steps[1:] - exact).max(), (exact - steps[:-1]).max()))


def cut_normal(spread: float, opens: float, closes: float) -> Callable[[float], float]:
    def whole(t: float) -> float:
        return (1 + erf((t - EIGHT) / spread / sqrt(2))) / 2

    low, high = whole(opens), whole(closes)
    return lambda t: (whole(t) - low) / (high - low)


@pytest.mark.parametrize("spread", [0.5, 15.0, 120.0, 5000.0])
def test_a_bell_gives_the_normal_distribution_cut_to_its_window(spread: float) -> None:
    curve = Curve.of(bell(spread))
    values = curve.due(7, 0, 20_000)
    exact = cut_normal(spread, EIGHT - 480, EIGHT + 720)
    assert gap(values, exact) < KOLMOGOROV / sqrt(20_000)
    for moment in np.linspace(EIGHT - 3 * spread, EIGHT + 3 * spread, 61):
        inside = float(np.clip(moment, EIGHT - 480, EIGHT + 720))
        assert curve.share_before(inside) == pytest.approx(exact(inside), abs=1e-6)


def test_a_skewed_bell_has_the_mean_that_theory_gives_it() -> None:
    # Azzalini: mean = centre + spread * delta * sqrt(2 / pi), delta = shape / sqrt(1 + shape^2).
    shape, spread = 3.0, 60.0
    expected = EIGHT + spread * shape / sqrt(1 + shape**2) * sqrt(2 / np.pi)
    values = Curve.of(bell(spread, shape)).due(3, 0, 100_000)
    assert values.mean() == pytest.approx(expected, abs=0.5)


def test_an_even_load_is_even() -> None:
    uniform = Uniform(kind="uniform", opens=time(8), closes=time(8, 1), source="a test")
    values = Curve.of(uniform).due(1, 0, 20_000)
    assert gap(values, lambda t: (t - EIGHT) / 60) < KOLMOGOROV / sqrt(20_000)


def test_a_table_is_even_between_its_rows() -> None:
    table = Table.model_validate(
        {
            "kind": "table",
            "source": "a test",
            "rows": [
                {"at": "07:58", "share": 0.25},
                {"at": "07:59", "share": 0},
                {"at": "08:00", "share": 0.75},
            ],
            "closes": "08:00:30",
        }
    )
    values = Curve.of(table).due(4, 0, 20_000)
    moments, shares = [-120, -60, 0, 30], [0, 0.25, 0.25, 1]
    assert gap(values, lambda t: float(np.interp(t - EIGHT, moments, shares))) < (
        KOLMOGOROV / sqrt(20_000)
    )
    assert not np.any((values > EIGHT - 60) & (values < EIGHT))


def mixture(share: float) -> Mixture:
    """Return a minute at 07:50 by which `share` of the pupils come, and the bell for the rest."""
    bus = {"kind": "uniform", "opens": "07:50", "closes": "07:51", "source": "a test"}
    return Mixture.model_validate(
        {
            "kind": "mixture",
            "curves": [
                {"share": {"value": share, "source": "a test"}, "curve": bus},
                {"share": {"value": 1 - share, "source": "a test"}, "curve": bell()},
            ],
        }
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_mixture_is_its_curves_by_their_shares(share: float) -> None:
    curve = Curve.of(mixture(share))
    rest = cut_normal(120, EIGHT - 480, EIGHT + 720)

    def exact(moment: float) -> float:
        first = float(np.clip((moment - EIGHT + 600) / 60, 0, 1))
        return share * first + (1 - share) * float(np.clip(rest(moment), 0, 1))

    assert gap(curve.due(9, 0, 20_000), exact) < KOLMOGOROV / sqrt(20_000)
    assert (mixture(share).opens, mixture(share).closes) == (time(7, 50), time(8, 12))


def test_any_density_can_be_drawn_from() -> None:
    triangle = Curve.from_density(lambda t: t, 0.0, 10.0)
    assert gap(triangle.due(5, 0, 20_000), lambda t: t * t / 100) < KOLMOGOROV / sqrt(20_000)


def test_other_seeds_give_other_mornings_of_the_same_shape() -> None:
    one, other = draws(1, 0, 5000), draws(2, 0, 5000)
    assert abs(float(np.corrcoef(one, other)[0, 1])) < 0.06
    assert not np.any(one == other)


@given(
    seed=st.integers(0, 2**63),
    first=st.integers(0, 2_000_000),
    parts=st.lists(st.integers(0, 40), min_size=1, max_size=8),
)
@settings(max_examples=examples(60), deadline=None)
def test_any_split_into_ranges_gives_exactly_the_same_times(
    seed: int, first: int, parts: list[int]
) -> None:
    edges = np.cumsum([first, *parts])
    split = [draws(seed, int(a), int(b)) for a, b in pairwise(edges)]
    whole = draws(seed, first, int(edges[-1]))
    assert np.array_equal(np.concatenate(split), whole)
    assert np.all((whole > 0) & (whole < 1))


@given(workers=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_workers_together_have_exactly_the_pupils_of_the_storm(workers: int) -> None:
    plan = storms.plan(100, seconds=300, pupils=2000)
    alone = attendance(plan, 0, 2000)
    parts = [attendance(plan, *share) for share in shares(2000, workers)]
    assert sorted(p for part in parts for p in part.pupils) == sorted(alone.pupils)
    assert sorted(d for part in parts for d in part.due) == list(alone.due)


def test_those_who_take_part_are_due_in_the_window_and_in_order() -> None:
    plan = storms.plan(100, seconds=60)
    present = attendance(plan, 0, plan.pupils)
    assert 0 < len(present) < plan.pupils
    assert np.all(present.due >= 0)
    assert np.all(present.due < 60)
    assert np.all(np.diff(present.due) >= 0)
    assert sum(present.by_second()) == len(present)
    again = Curve.of(plan.profile.arrivals).due(plan.seed, 0, plan.pupils)
    assert list(again[present.pupils] - seconds(plan.opens)) == list(present.due)


def test_all_of_bavaria_is_due_within_its_morning() -> None:
    profile = Profile.named("bavaria")
    due = Curve.of(profile.arrivals).due(1, 1_199_000, profile.pupils.value)
    assert len(due) == 1000
    assert due.min() > seconds(profile.arrivals.opens)
    assert due.max() < seconds(profile.arrivals.closes)
