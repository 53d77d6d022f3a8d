"""A journey of which a request grows with the accounts of its cell, measured beside the login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken.capacity.measure.accounts import Accounts, in_cells, met
from klokken.capacity.measure.analysis import UnfitError
from klokken.capacity.measure.estimate import Estimate
from klokken.capacity.measure.knee import guessed
from klokken.capacity.measure.measurement import Known, Measurement, measured
from klokken.capacity.measure.sharing import Shares, Told
from klokken.capacity.measure.steps import NAME, Rates, Steps
from klokken.errors import InputError
from klokken.profile import Profile
from klokken.remote import Remote
from klokken.topology import Tier
from tests.unit.synthetic_lab import ACCOUNTS, BASE, IDLE, PLATFORM, TRUTH, Lab, plan, start, step
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.schedule import Plan
    from klokken.capacity.measure.steps import Step

MORNING = Profile.named("morning")
# Of 3,000 accounts, 0.08 ms each: more than four fifths of what the journey costs the drive.
IN_CELL = 3000
GROWTH = 0.00008
COSTS = {
    "login": {**TRUTH, Tier.DRIVE: 0.0},
    "morning": {**TRUTH, Tier.EDGE: 0.007, Tier.DRIVE: IN_CELL * GROWTH + 0.045},
}
RATES = {
    "minute": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
    "morning": [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0],
}


def two(**changes: object) -> Plan:
    nodes = {**dict.fromkeys(TRUTH, 1), Tier.DRIVE: 2}
    return plan(
        profiles=[Profile.named("minute"), MORNING],
        nodes=nodes,
        cores=dict.fromkeys(nodes, 2),
        in_cell={"morning": float(IN_CELL)},
        **changes,
    )


def rung(name: str, rate: float, number: int) -> Step:
    journey = "login" if name == "minute" else "morning"
    idle = {**IDLE, Tier.DRIVE: 0.03}
    cores = {tier: idle[tier] + cost * rate for tier, cost in COSTS[journey].items()}
    usage = Lab().used(cores)
    return step(rate, start=number, profile=name, journey=journey, usage=usage)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measurement, Demands]:
    """Return what two profiles of three starts say, rung at exactly what they cost."""
    steps = Steps.begin(tmp_path_factory.mktemp("accounts") / "run" / NAME, two())
    steps.rates = Rates(knee=8.0, rates=RATES)
    for number in (1, 2, 3):
        steps.starts[number] = start(number)
        steps.steps += [rung(name, rate, number) for name in RATES for rate in RATES[name]]
    return measured(steps, Known(BASE, PLATFORM, ACCOUNTS))


@pytest.mark.heavy
def test_what_grows_with_accounts_is_kept_and_not_frozen_at_the_size_of_the_lab(
    found: tuple[Measurement, Demands],
) -> None:
    demands = found[1]
    drives, known = demands.work["drives"][Tier.DRIVE], BASE.work["drives"][Tier.DRIVE]
    assert drives.each_account == known.each_account
    assert "Measured on stack lab" in drives.source
    # In a cell of 1,000 accounts more it costs as much more as each of them does.
    assert drives.seconds(4000, "value") - drives.seconds(3000, "value") == pytest.approx(0.08)
    others = [demands.work[name][Tier.DRIVE].value for name in ("home", "open", "save")]
    assert sum(others) + drives.value == pytest.approx(0.045, rel=1e-3)
    # What is left of the drive's work keeps its proportions.
    assert drives.value == pytest.approx(2 * others[0], rel=1e-3)


@pytest.mark.heavy
def test_all_requests_of_a_journey_come_to_what_was_measured_of_it(
    found: tuple[Measurement, Demands],
) -> None:
    demands, accounts = found[1], Accounts(ACCOUNTS, two())
    for name, costs in COSTS.items():
        journey = demands.journeys[name]
        for tier in journey.tiers:
            whole = sum(
                accounts.seconds(demands, name, request.name, tier)
                for request in journey.requests
                if tier in request.path
            )
            connects = sum(r.connects for r in journey.requests) if tier is Tier.EDGE else 0
            whole += connects * demands.connection.value
            assert whole == pytest.approx(costs[tier], rel=1e-3), (name, tier)


def test_the_largest_morning_is_predicted_with_all_its_work(
    found: tuple[Measurement, Demands],
) -> None:
    mornings = [each for each in found[0].held_out if each.profile == "morning"]
    assert [each.rate for each in mornings] == [4.0] * 3
    for each in mornings:
        figures = {figure.what: figure for figure in each.figures}
        drive = figures["utilisation of drive"]
        assert drive.measured == pytest.approx(0.03 + 4 * COSTS["morning"][Tier.DRIVE], abs=1e-4)
        # Its pupils are drawn, so that there are some more or fewer than the rate has.
        each_one = (drive.predicted - 0.03) / figures["throughput"].predicted
        assert each_one == pytest.approx(COSTS["morning"][Tier.DRIVE], rel=1e-3)


def test_rates_of_the_morning_are_guessed_from_what_it_costs_with_its_accounts() -> None:
    quick = Lab().used({tier: IDLE[tier] + 4 * TRUTH[tier] for tier in TRUTH})
    guess = step(8.0, phase="guess", usage=quick)
    near, far = (
        guessed(body, BASE, Accounts(ACCOUNTS, body), start(1), guess).rates["morning"][-1]
        for body in (two(), two().model_copy(update={"in_cell": {"morning": 100.0}}))
    )
    assert near < far / 2


def test_a_rate_that_is_guessed_has_people_enough() -> None:
    quick = step(8.0, phase="guess", usage=Lab().used({t: IDLE[t] + 0.001 for t in TRUTH}))
    rates = guessed(two(), BASE, Accounts(ACCOUNTS, two()), start(1), quick).rates
    # 315 people for 40 seconds.
    assert 7.8 < rates["morning"][-1] <= 7.875


def test_a_measured_cost_below_what_its_accounts_alone_take_is_refused() -> None:
    shares = Shares(BASE, {}, Told("here.", 1, ""), Accounts(ACCOUNTS, two()))
    with pytest.raises(UnfitError, match=r"240\.0 ms of it are known .* `each_account`"):
        shares.share("morning", {Tier.DRIVE: Estimate(value=0.1, low=0.1, high=0.1)})


def test_a_run_that_has_not_counted_accounts_says_so() -> None:
    with pytest.raises(UnfitError, match="has not counted the accounts"):
        Accounts(ACCOUNTS, plan()).at("morning", Tier.DRIVE)
    assert Accounts(ACCOUNTS, plan()).at("morning", Tier.IDENTITY) == ACCOUNTS


def test_people_meet_the_accounts_of_the_cell_that_their_schools_are_in() -> None:
    # 300 pupils and their teachers are one school, and that is in the first cell.
    assert met(MORNING, [900, 100]) == 900
    large = MORNING.model_copy(update={"pupils": MORNING.pupils.model_copy(update={"value": 840})})
    assert met(large, [900, 100]) == 500


def test_drives_that_nobody_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Remote, "run", lambda *_, **__: "315\n")
    assert in_cells(inventory(), [MORNING]) == {"morning": 315.0}
    monkeypatch.setattr(Remote, "run", lambda *_, **__: "0\n")
    with pytest.raises(InputError, match="nobody has a drive yet; run `klokken seed morning`"):
        in_cells(inventory(), [MORNING])
