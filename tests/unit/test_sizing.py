"""The search: arithmetic where there is a formula, and what holds whatever is asked for."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from math import ceil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken.capacity.demands import Demands
from klokken.capacity.pricelist import price_lists
from klokken.capacity.resources import Resources
from klokken.capacity.run import DEMANDS_FILE
from klokken.capacity.sizing.asked import SiteAsked, TierAsked, busiest, fewest_cores, waits
from klokken.capacity.sizing.fit import Carrier, Rules
from klokken.capacity.sizing.search import NoPlanError, again, cheapest, most_pupils, orderable
from klokken.population import largest_cell
from klokken.topology import Tier
from tests.examples import examples

GROUND = {"assumed": True, "why": "a test"}
[HETZNER] = price_lists(date(2026, 11, 22), ["hetzner"])
[STACKIT] = price_lists(date(2026, 11, 22), ["stackit"])
RULES = Rules(headroom=0.3, cell=50_000)
FREE = 0.7


def resources(**values: float) -> Resources:
    plain = {"connections_most", "pool"}
    return Resources.model_validate(
        {
            name: {"value": value, **GROUND}
            | ({} if name in plain else {"low": value, "high": value})
            for name, value in values.items()
        }
    )


def asked(pupils: int, **values: Any) -> TierAsked:
    figures = {"cores": 0.0, "cores_an_account": 0.0, "visits": 0.0, "connections": 0.0, **values}
    needs = resources(**figures.pop("needs", {}))
    load = np.full(60, figures["cores"])
    return TierAsked(load=load, pupils=pupils, resources=needs, **figures)


def site(pupils: int = 100_000, **tiers: dict[str, Any]) -> SiteAsked:
    """Return a site that asks for nothing but what is said of its tiers."""
    schools = np.full(max(1, pupils // 420), 420.0)
    there = {tier: asked(pupils, **tiers.get(tier, {})) for tier in Tier if tier in _VISITED}
    return SiteAsked(pupils, schools, there, alone=0.1, sent_tb=0.0)


_VISITED = (Tier.EDGE, Tier.IDENTITY, Tier.DRIVE, Tier.DATABASE)


def fit_of(kind: str, tier: Tier = Tier.IDENTITY, pooled: float = 0.0, **tiers: Any) -> Any:
    return Carrier(tier, site(**tiers), HETZNER, kind, RULES, pooled).fit()


def test_cores_are_counted_by_arithmetic() -> None:
    found = fit_of("CCX33", identity={"cores": 120.0})
    assert found.up == ceil(120 / (8 * FREE)) == 22
    assert found.hosts == 23
    assert found.bound == "CPU"
    assert found.used["CPU"] == pytest.approx(120 / 8 / 22)
    assert found.month_eur == pytest.approx(23 * 138.49)


def test_memory_is_a_part_for_each_host_and_one_for_all_pupils() -> None:
    needs = {"memory_gb": 2.0, "session_kb": 1000.0}
    found = fit_of("CCX33", identity={"needs": needs})
    # 100 GB of sessions, and 2 of each host's 32 are taken.
    assert found.up == ceil(100 / (32 * FREE - 2))
    assert found.bound == "memory"


@pytest.mark.parametrize(
    ("values", "up", "bound"),
    [
        ({"connections": 50_000.0, "needs": {"connections_most": 8000.0}}, 9, "connections"),
        ({"visits": 5000.0, "needs": {"visit_writes": 20.0}}, 4, "IOPS"),
        ({"visits": 5000.0, "needs": {"visit_kb": 100.0}}, 6, "network"),
    ],
)
def test_what_is_shortest_decides_and_is_named(values: dict[str, Any], up: int, bound: str) -> None:
    found = fit_of("CCX33", Tier.EDGE, edge=values)
    assert (found.up, found.bound) == (up, bound)


def test_a_database_has_one_host_that_does_all_and_one_that_stands_by() -> None:
    assert fit_of("CCX33", Tier.DATABASE, database={"cores": 5.5}).hosts == 2
    assert fit_of("CCX33", Tier.DATABASE, database={"cores": 5.7}) is None
    needs = {"connections_most": 1000.0}
    assert fit_of("CCX33", Tier.DATABASE, 690.0, database={"needs": needs}).bound == "connections"
    assert fit_of("CCX33", Tier.DATABASE, 710.0, database={"needs": needs}) is None


def test_hosts_of_identity_are_so_large_that_the_database_can_hold_all_their_pools() -> None:
    def plan(most: float) -> Any:
        needs = {"connections_most": most}
        there = site(identity={"cores": 100.0, "needs": {"pool": 30.0}}, database={"needs": needs})
        return cheapest(lambda _: there, HETZNER, RULES)

    free, tight = plan(10_000.0), plan(600.0)
    assert 30 * free.fits[Tier.IDENTITY].hosts > 600 * FREE
    assert 30 * tight.fits[Tier.IDENTITY].hosts <= 600 * FREE
    assert tight.month_eur > free.month_eur
    # With the largest kind there are three that carry it, and one more.
    with pytest.raises(NoPlanError, match=r"database needs 1\.7 times the connections"):
        plan(100.0)


def test_cells_have_no_more_pupils_than_was_said_and_one_host_stands_by() -> None:
    found = Carrier(Tier.DRIVE, site(220_000), HETZNER, "CCX33", RULES).fit()
    assert found is not None
    assert (found.up, found.hosts, found.bound) == (5, 6, "cell")


def test_no_cell_has_more_pupils_than_was_said_though_schools_stay_whole() -> None:
    found = Carrier(Tier.DRIVE, site(600_000), HETZNER, "CCX33", RULES).fit()
    assert found is not None
    # On average 12 have 50,000, but the largest of them has 120 of the 1,429 schools.
    assert largest_cell(600_000, 12) == 50_220
    assert (found.up, found.bound) == (13, "cell")


def test_schools_that_are_more_than_a_site_s_cells_take_more_sites() -> None:
    def asking(sites: int) -> SiteAsked:
        return site(600_000 // sites)

    rules = Rules(0.3, 420)
    assert cheapest(asking, HETZNER, rules).sites == ceil(600_000 / 420 / 499) == 3
    with pytest.raises(NoPlanError, match="drive has more than 499 cells with 420 of 600,000"):
        cheapest(lambda _: asking(1), HETZNER, rules)


def test_a_cell_with_more_documents_than_a_volume_holds_is_made_smaller() -> None:
    found = fit_of("CCX33", Tier.DRIVE, drive={"needs": {"pupil_mb": 1000.0}})
    # 100 TB on volumes of 16, of which 30 % stay free, are nine; but schools stay whole, and of
    # nine cells the largest would have 27 of the 238.
    assert found.up == found.volumes == 10
    assert found.bound == "disk"


def test_cells_are_made_small_where_a_request_costs_more_with_each_account() -> None:
    found = fit_of(
        "CCX33", Tier.DRIVE, pupils=84_000, drive={"cores": 20.0, "cores_an_account": 0.01}
    )
    # With n cells a host does 20 / n cores of work and 0.01 more for each of its 84,000 / n
    # accounts, a cell's share of the pupils over again; whole schools make it one host more.
    wanted = next(n for n in range(1, 99) if (20 + 0.01 * 84_000 / n) / n <= 8 * FREE)
    assert found.up == wanted == 15
    assert found.bound == "CPU"


def test_more_than_one_site_is_taken_only_where_one_database_cannot_do_it() -> None:
    def asking(sites: int) -> SiteAsked:
        return site(100_000 // sites, database={"cores": 10.0 / sites})

    assert cheapest(asking, HETZNER, RULES).sites == 1
    # STACKIT's largest host has eight shared vCPU, of which four count.
    assert cheapest(asking, STACKIT, RULES).sites == ceil(10 / (4 * FREE)) == 4
    with pytest.raises(NoPlanError, match=r"database needs 35\.7 times the CPU of 8-32"):
        cheapest(lambda _: site(database={"cores": 100.0}), STACKIT, RULES)


def test_a_site_more_is_taken_where_it_is_cheaper() -> None:
    def asking(sites: int) -> SiteAsked:
        # One database needs the largest host there is, one of two a small one.
        return site(100_000 // sites, database={"cores": 33.0 / sites**4})

    alone = cheapest(lambda _: asking(1), HETZNER, RULES)
    found = cheapest(asking, HETZNER, RULES)
    assert alone.sites == 1
    assert found.sites == 2
    assert found.month_eur < alone.month_eur


def test_faster_cores_carry_more() -> None:
    speed = HETZNER.core_speed.model_copy(update={"value": 2.0})
    quick = HETZNER.model_copy(update={"core_speed": speed})
    asks = site(identity={"cores": 120.0})
    found = Carrier(Tier.IDENTITY, asks, quick, "CCX33", RULES).fit()
    assert found is not None
    assert found.up == ceil(120 / (2 * 8 * FREE)) == 11


def test_on_faster_cores_all_work_takes_less_and_grows_less() -> None:
    lab = Demands.read(DEMANDS_FILE)
    quick = lab.on(2.0)
    for bound in ("low", "value", "high"):
        slow, fast = (one.work["drives"][Tier.DRIVE] for one in (lab, quick))
        assert fast.seconds(1000, bound) == pytest.approx(slow.seconds(1000, bound) / 2)
        assert quick.connection.at(bound) == pytest.approx(lab.connection.at(bound) / 2)


def test_no_list_knows_how_fast_its_cores_are_and_each_says_so() -> None:
    for prices in price_lists(date(2026, 11, 22)):
        assert prices.core_speed.assumed


CORES = st.floats(0.01, 150.0)
SITES = st.builds(
    lambda pupils, edge, identity, drive, database, held: {
        "pupils": pupils,
        "edge": {"cores": edge, "connections": held, "needs": {"connections_most": 40_000.0}},
        "identity": {"cores": identity, "needs": {"memory_gb": 2.0, "pool": 30.0}},
        "drive": {"cores": drive, "needs": {"session_kb": 100.0, "pupil_mb": 100.0}},
        "database": {"cores": database, "needs": {"connections_most": 5000.0}},
    },
    st.integers(500, 700_000),
    CORES,
    CORES,
    CORES,
    st.floats(0.01, 10.0),
    st.floats(0, 200_000),
)
HEADROOMS = st.floats(0.0, 0.6)


@settings(max_examples=examples(30), deadline=None)
@given(SITES, HEADROOMS)
def test_with_any_host_down_every_host_keeps_its_headroom_and_one_fewer_would_not(
    wanted: dict[str, Any], headroom: float
) -> None:
    there, rules = site(**wanted), Rules(headroom, 50_000)
    for tier in _VISITED:
        for kind in orderable(HETZNER):
            carrier = Carrier(tier, there, HETZNER, kind, rules)
            found = carrier.fit()
            if found is None:
                continue
            assert found.hosts - 1 == found.up >= 1
            assert max(found.used.values()) <= 1 - headroom
            if found.up > 1 and found.bound != "cell":
                fewer = found.up - 1
                share = there.largest_share(fewer) if tier is Tier.DRIVE else 1 / fewer
                assert max(carrier.used(share).values()) > 1 - headroom


@pytest.mark.heavy
@settings(max_examples=examples(30), deadline=None)
@given(SITES, st.floats(1.0, 3.0), HEADROOMS)
def test_more_pupils_never_cost_less_and_neither_does_more_headroom(
    wanted: dict[str, Any], times: float, headroom: float
) -> None:
    there = site(**wanted)
    more = replace(
        there,
        pupils=ceil(there.pupils * times),
        schools=there.schools * times,
        tiers={
            tier: replace(
                one,
                pupils=ceil(there.pupils * times),
                cores=one.cores * times,
                connections=one.connections * times,
            )
            for tier, one in there.tiers.items()
        },
    )

    def month(asking: SiteAsked, free: float) -> float:
        try:
            plan = cheapest(lambda _: asking, HETZNER, Rules(free, 50_000))
        except NoPlanError:
            return float("inf")
        return plan.month_eur

    cost = month(there, headroom)
    assert month(more, headroom) >= cost
    assert month(there, headroom + 0.1) >= cost


@pytest.mark.heavy
@settings(max_examples=examples(20), deadline=None)
@given(SITES, st.floats(0.05, 1.0))
def test_an_earlier_wave_never_takes_more_of_any_tier(wanted: dict[str, Any], part: float) -> None:
    there = site(**wanted)
    try:
        whole = cheapest(lambda _: there, HETZNER, RULES)
    except NoPlanError:
        return
    less = {**wanted, "pupils": max(420, int(wanted["pupils"] * part))}
    for tier in _VISITED:
        less[tier] = {**wanted[tier], "cores": wanted[tier]["cores"] * part}
    found = again(site(**less), HETZNER, RULES, whole)
    assert all(found.fits[tier].hosts <= whole.fits[tier].hosts for tier in _VISITED)
    assert found.month_eur <= whole.month_eur


def test_the_largest_cell_is_what_one_host_can_carry() -> None:
    small = site(100_000, drive={"needs": {"session_kb": 1000.0}})
    # 192 GB at CCX63, 70 % of them for sessions of a megabyte.
    assert most_pupils(small, HETZNER, Rules(0.3, 1_000_000)) == 100_000
    large = site(1_000_000, drive={"needs": {"session_kb": 1000.0}})
    assert most_pupils(large, HETZNER, Rules(0.3, 1_000_000)) == pytest.approx(134_400, abs=1)


def test_a_cell_that_a_host_carries_may_be_so_small_that_one_site_has_too_many() -> None:
    there = site(600_000, drive={"needs": {"session_kb": 1000.0}})
    assert most_pupils(there, HETZNER, Rules(0.3, 1000)) == 1000


def test_the_busiest_minute_may_begin_at_any_second() -> None:
    load = np.zeros(600)
    load[290:350] = 2.0
    assert busiest(load, 60) == pytest.approx(2.0)
    assert busiest(load, 120) == pytest.approx(1.0)
    assert busiest(load, 10_000) == pytest.approx(0.2)


def test_where_pupils_may_wait_work_that_grows_with_accounts_takes_fewer_cores_as_well() -> None:
    load = np.zeros(600)
    load[100:200] = 4.0
    there = replace(asked(1000, cores=4.0, cores_an_account=0.01), load=load)
    found = there.waiting(100.0)
    assert found.cores == pytest.approx(2.0, rel=0.01)
    assert found.cores_an_account == pytest.approx(0.005, rel=0.01)
    assert there.waiting(0.0) == replace(there, cores=there.waiting(0.0).cores)
    assert asked(1000).waiting(100.0).cores == 0.0


def test_who_may_be_made_to_wait_needs_fewer_cores_but_all_of_the_work() -> None:
    load = np.zeros(600)
    load[100:200] = 4.0
    # 400 core-seconds in 100 s; with two cores the last waits for 100 s.
    assert waits(load, 2.0).max() == pytest.approx(100.0)
    assert fewest_cores(load, 4.0, 100.0) == pytest.approx(2.0, rel=0.01)
    assert fewest_cores(load, 4.0, 0.0) == pytest.approx(4.0, rel=0.01)
