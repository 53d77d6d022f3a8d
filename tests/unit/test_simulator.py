"""The exact level keeps its books: nothing is lost, nothing depends on order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken.capacity.engine import column
from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.state import VISITS
from klokken.capacity.engine.tally import (
    ANSWERED,
    DOWN,
    EXPIRED,
    FULL,
    LEFT,
    LOST,
    bucket,
    highest,
    percentile,
)
from klokken.capacity.morning import NANO, Morning
from klokken.capacity.simulation import hashed
from tests.unit.tiny_site import at, poisson, school

if TYPE_CHECKING:
    from klokken.capacity.engine.state import State

pytestmark = pytest.mark.heavy

NAMES = ["page", "password", "drives", "login"]
TIERS = ["edge", "identity", "drive", "database"]
# Two of a tier at most, which are all of its hosts.
KILLS = st.lists(
    st.builds(
        "{}@{}{}".format,
        st.sampled_from(TIERS),
        st.integers(0, 25),
        st.sampled_from(["", "+1", "+10"]),
    ),
    max_size=3,
).filter(lambda kills: all(sum(kill.startswith(t) for kill in kills) < 3 for t in TIERS))
SITES = st.fixed_dictionaries(
    {
        "workers": st.integers(1, 20),
        "queue": st.integers(0, 20),
        "queue_seconds": st.sampled_from([0.05, 1.0, 100.0]),
        "attempts": st.integers(1, 5),
        "patience": st.sampled_from([0.5, 5.0, 60.0]),
        "edge": st.sampled_from([2, 100]),
        "seed": st.integers(0, 2**40),
    }
)


def by_kind(state: State) -> list[int]:
    return [int(n) for n in state.counts[-1].sum(axis=1)]


@settings(max_examples=60, deadline=None)
@given(SITES, KILLS, st.sampled_from([5, 30, 90]))
def test_all_who_come_are_accounted_for_and_every_place_is_given_back(
    chosen: dict[str, Any], kills: list[str], rate: int
) -> None:
    morning = poisson(rate, seconds=20, seed=3)
    model = school(morning, kills=tuple(kills), **chosen)
    state = simulate(model)
    assert state.offered.sum() == len(morning.due) == state.counts[-1].sum()
    # The wait is recorded of whoever was answered or left.
    for row in range(len(NAMES)):
        assert state.latency[row].sum() == state.counts[row, [ANSWERED, LEFT]].sum()
    for one in (column.JOBS, column.BUSY, column.WAITING):
        assert not state.host[:, one].any()
    assert (state.host[:, column.MOST_BUSY] <= model.hosts[:, column.WORKERS]).all()
    assert (state.host[:, column.MOST_WAITING] <= model.hosts[:, column.QUEUE]).all()
    assert (state.people[:, column.HELD] == 0).all()


@settings(max_examples=25, deadline=None)
@given(SITES)
def test_cores_do_the_work_that_was_drawn_and_no_other(chosen: dict[str, Any]) -> None:
    state = simulate(school(poisson(40, seconds=20, seed=4), **chosen))
    done = state.work.sum(axis=1)
    # A visit ends within some nanoseconds of its work, for time is whole nanoseconds.
    np.testing.assert_allclose(done, state.drawn, atol=4 * int(state.totals[VISITS]))


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(200)), KILLS)
def test_the_order_in_which_pupils_are_listed_changes_nothing(
    order: list[int], kills: list[str]
) -> None:
    # Several are due at the same moment, which their numbers must decide.
    due = np.arange(200, dtype=np.int64) // 4 * (NANO // 10)
    listed = at(due)
    shuffled = Morning(
        listed.people[order], listed.due[order], listed.schools[order], listed.seconds
    )
    one, other = (simulate(school(m, kills=tuple(kills))) for m in (listed, shuffled))
    assert hashed(one, NAMES) == hashed(other, NAMES)


def test_another_seed_is_another_morning() -> None:
    morning = poisson(30, seconds=20, seed=5)
    assert len({hashed(simulate(school(morning, seed=s)), NAMES) for s in range(4)}) == 4


def test_a_pupil_alone_waits_for_its_work_and_its_way() -> None:
    state = simulate(school(at(np.array([0], np.int64)), seed=9))
    page, whole = (percentile(state.latency[row, 0], 1.0) for row in (0, 3))
    # Two round trips to connect and three tiers' ways, 0.001 s each; work at the edge, and more.
    assert page > 0.005 + 0.001
    assert by_kind(state) == [1, 0, 0, 0, 0, 0]
    assert whole >= page + 0.05 + 0.003


def test_who_finds_the_queue_full_is_told_at_once_and_tries_again() -> None:
    state = simulate(school(poisson(200, seconds=10, seed=1), workers=1, queue=1, attempts=2))
    assert state.counts[0, FULL].sum() > 100
    kinds = by_kind(state)
    assert kinds[FULL] > 0
    assert state.counts[0].sum() > len(state.people)


def test_who_waits_too_long_in_the_queue_is_sent_away() -> None:
    state = simulate(
        school(poisson(200, seconds=10, seed=1), queue=10_000, queue_seconds=0.3, attempts=1)
    )
    assert by_kind(state)[EXPIRED] > 100


def test_who_loses_patience_leaves_when_it_ends() -> None:
    state = simulate(
        school(poisson(300, seconds=10, seed=1), queue=10_000, queue_seconds=900.0, patience=2.0)
    )
    assert by_kind(state)[LEFT] > 100
    longest = percentile(state.latency[-1].sum(axis=0), 1.0)
    assert longest == pytest.approx(2.0, rel=0.01)


def test_a_host_that_dies_loses_who_is_at_it_and_comes_back_cold() -> None:
    morning = poisson(30, seconds=60, seed=2)
    calm, hit = (simulate(school(morning, kills=k, attempts=5)) for k in ((), ("identity@20+5",)))
    assert calm.counts[:, LOST].sum() == 0
    assert 0 < hit.counts[:3, LOST].sum() <= 4 + 10
    # Cold work is three times as much, so the same logins take more of the cores.
    assert hit.work[1].sum() > 1.03 * calm.work[1].sum()


def test_without_any_host_nobody_gets_in_and_with_another_all_do() -> None:
    morning = poisson(10, seconds=10, seed=2)
    cell = simulate(school(morning, kills=("drive@0",), attempts=1))
    # The dead cell is that of every second school, and each pupil here has a school of its own.
    assert by_kind(cell)[DOWN] == len(morning.due) // 2
    database = simulate(school(morning, kills=("database@0",), attempts=1))
    assert by_kind(database)[ANSWERED] == len(morning.due)


def test_where_both_hosts_of_a_tier_die_nobody_gets_in() -> None:
    morning = poisson(10, seconds=10, seed=2)
    one, both = (
        by_kind(simulate(school(morning, kills=("identity@0",) * n, attempts=1))) for n in (1, 2)
    )
    assert one[ANSWERED] == both[DOWN] == len(morning.due)


def test_buckets_know_every_value_to_under_one_per_cent() -> None:
    upper = highest()
    for microseconds in [0, 1, 127, 128, 255, 256, 257, 1_000, 3_000_000, 200_000_000]:
        most = upper[bucket(1000 * microseconds)]
        assert microseconds <= most <= microseconds * 1.008 + 1
    assert bucket(10**15) == len(upper) - 1


@given(st.lists(st.integers(0, 10**8), min_size=1, max_size=300), st.floats(0.01, 1))
def test_a_percentile_is_that_of_the_sorted_values(values: list[int], share: float) -> None:
    histogram = np.bincount([bucket(1000 * v) for v in values], minlength=len(highest()))
    wanted = sorted(values)[max(1, int(np.ceil(share * len(values) - 1e-9))) - 1]
    assert wanted <= percentile(histogram, share) * 1e6 + 0.5 <= wanted * 1.008 + 2
