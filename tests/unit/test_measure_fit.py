"""Demands by regression: the truth is found, within the interval that is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken.capacity.measure.fit import fitted, line
from tests.examples import examples

RATES = np.linspace(2.0, 16.0, 8)


def noisy(idle: float, demand: float, noise: float, seed: int) -> np.ndarray:
    """Return the cores of eight steps whose readings are off by `noise` of a core."""
    random = np.random.Generator(np.random.Philox(seed))
    found: np.ndarray = np.maximum(0.0, idle + demand * RATES + random.normal(0, noise, len(RATES)))
    return found


@settings(max_examples=examples(40), deadline=None)
@given(st.floats(0, 0.5), st.floats(0.0005, 0.12))
def test_without_noise_demand_and_idle_use_are_found_exactly(idle: float, demand: float) -> None:
    found = fitted(RATES[:, None], noisy(idle, demand, 0.0, 1), seed=1)
    assert found.value == pytest.approx([idle, demand], abs=1e-9)
    assert found.low == pytest.approx(found.high, abs=1e-9)


@settings(max_examples=examples(200), deadline=None)
@given(st.floats(0.05, 0.5), st.floats(0.01, 0.12), st.integers(0, 2**32))
def test_with_noise_the_demand_lies_near_the_truth(idle: float, demand: float, seed: int) -> None:
    noise = 0.02
    found = line(RATES[:, None], noisy(idle, demand, noise, seed))
    # Six standard deviations of a slope by least squares.
    slope = noise / np.sqrt(((RATES - RATES.mean()) ** 2).sum())
    assert abs(found[1] - demand) < 6 * slope


def test_nineteen_intervals_of_twenty_hold_the_truth() -> None:
    held = 0
    for seed in range(100):
        found = fitted(RATES[:, None], noisy(0.2, 0.04, 0.02, seed), seed=seed)
        held += bool(found.low[1] <= 0.04 <= found.high[1])
    # The least of 100 that a true 95 % gives but once in a thousand times.
    assert held >= 87


def test_what_is_used_with_nobody_there_is_not_the_journeys() -> None:
    used = noisy(0.5, 0.01, 0.0, 1)
    through_the_origin = float(RATES @ used / (RATES @ RATES))
    assert through_the_origin > 1.4 * 0.01
    assert line(RATES[:, None], used)[1] == pytest.approx(0.01)


def test_a_tier_that_does_nothing_for_a_journey_costs_nothing_and_never_less() -> None:
    falling = 0.3 - 0.004 * RATES
    found = fitted(RATES[:, None], falling, seed=1)
    assert found.value[1] == 0.0
    assert found.low[1] == 0.0


def test_two_journeys_are_told_apart_by_steps_of_either() -> None:
    rates = np.array([[r, 0.0] for r in RATES] + [[0.0, r / 4] for r in RATES])
    used = 0.2 + rates @ [0.04, 0.15]
    assert fitted(rates, used, seed=1).value == pytest.approx([0.2, 0.04, 0.15])


def test_the_same_seed_gives_the_same_interval() -> None:
    used = noisy(0.2, 0.04, 0.02, 5)
    one, other = (fitted(RATES[:, None], used, seed=7) for _ in range(2))
    assert (one.low == other.low).all()
    assert (one.high == other.high).all()
