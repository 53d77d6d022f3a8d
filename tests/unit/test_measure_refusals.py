"""What a measurement does not take for a result, each in one line that says what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from klokken.capacity.measure.accounts import Accounts
from klokken.capacity.measure.analysis import UnfitError
from klokken.capacity.measure.estimate import Estimate
from klokken.capacity.measure.measurement import Known, measured
from klokken.capacity.measure.sharing import Shares, Told
from klokken.capacity.measure.steps import NAME, Rates, Steps
from klokken.errors import Exit
from klokken.topology import Tier
from tests.unit.synthetic_lab import (
    ACCOUNTS,
    BASE,
    IDLE,
    PLATFORM,
    TRUTH,
    Lab,
    plan,
    start,
    step,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.capacity.measure.steps import Step

RATES = [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0]


def refused(tmp_path: Path, made: Callable[[int, float], Step]) -> str:
    """Return the line with which the steps that are `made` are refused."""
    steps = Steps.begin(tmp_path / "run" / NAME, plan())
    steps.rates = Rates(knee=18.0, rates={"minute": RATES})
    for number in (1, 2, 3):
        steps.starts[number] = start(number)
        steps.steps += [made(number, rate) for rate in RATES]
    with pytest.raises(UnfitError) as told:
        measured(steps, Known(BASE, PLATFORM, ACCOUNTS))
    assert told.value.code is Exit.INVALID
    assert "\n" not in str(told.value)
    return str(told.value)


def using(cores: Callable[[Tier, float], float], rate: float) -> Any:
    return Lab().used({tier: cores(tier, rate) for tier in TRUTH})


def test_a_start_that_keeps_too_few_rates(tmp_path: Path) -> None:
    def made(number: int, rate: float) -> Step:
        late = ["the load generator was late"] * (number == 2 and rate > 10)
        return step(rate, start=number, excluded=late)

    assert "start 2 keeps 5 of 8 rates of minute and needs 6 (the load generator was late)" in (
        refused(tmp_path, made)
    )


def test_a_tier_whose_cpu_falls_with_the_load(tmp_path: Path) -> None:
    def made(number: int, rate: float) -> Step:
        def cores(tier: Tier, rate: float) -> float:
            sign = -1 if tier is Tier.DATABASE else 1
            return 0.2 + sign * TRUTH[tier] * rate

        return step(rate, start=number, usage=using(cores, rate))

    assert "database's demand of login is not above 0" in refused(tmp_path, made)


def test_intervals_that_are_too_wide(tmp_path: Path) -> None:
    def made(number: int, rate: float) -> Step:
        def cores(tier: Tier, rate: float) -> float:
            return IDLE[tier] + TRUTH[tier] * rate * (1, 2.5, 1)[number - 1]

        return step(rate, start=number, usage=using(cores, rate))

    said = refused(tmp_path, made)
    assert "identity's demand of login is 80.0 ms, from 80.0 to 200.0: too wide" in said
    assert "--repeats" in said


def test_a_journey_that_is_cheaper_than_what_it_has_in_common_with_another() -> None:
    shares = Shares(BASE, {}, Told("here.", 1, ""), Accounts(ACCOUNTS, plan()))
    shares.share("login", {Tier.EDGE: Estimate(value=0.004, low=0.003, high=0.005)})
    with pytest.raises(UnfitError, match="the rest would be negative"):
        shares.share("morning", {Tier.EDGE: Estimate(value=0.003, low=0.002, high=0.004)})


def test_what_two_journeys_have_in_common_is_counted_once() -> None:
    shares = Shares(BASE, {}, Told("here.", 1, ""), Accounts(ACCOUNTS, plan()))
    for name, cost in (("login", 0.004), ("morning", 0.010)):
        shares.share(name, {Tier.EDGE: Estimate(value=cost, low=cost, high=cost)})
    work, connection = shares.body["work"], shares.body["connection"]["value"]
    for name, cost in (("login", 0.004), ("morning", 0.010)):
        requests = BASE.journeys[name].requests
        whole = sum(work[request.name]["edge"]["value"] for request in requests)
        assert whole + connection * sum(r.connects for r in requests) == pytest.approx(cost)
