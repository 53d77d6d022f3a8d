"""Which host a kill is of: the first that no other one holds down."""

from __future__ import annotations

import numpy as np
import pytest

from klokken.capacity.morning import NANO
from klokken.errors import InputError
from tests.unit.tiny_site import at, school

# Two of the edge come before the two of identity.
FIRST, SECOND = 2, 3


def faults(*kills: str) -> list[tuple[int, int, bool]]:
    """Return when which host goes, or comes back."""
    table = school(at(np.array([0], np.int64)), kills=kills).faults
    return [(second // NANO, host, bool(up)) for second, host, up in table.tolist()]


def test_the_same_kill_twice_is_two_hosts() -> None:
    assert faults("identity@20", "identity@20") == [(20, FIRST, False), (20, SECOND, False)]


def test_a_return_is_that_of_the_host_that_died_and_of_no_other() -> None:
    assert faults("identity@20+10", "identity@25+10") == [
        (20, FIRST, False),
        (25, SECOND, False),
        (30, FIRST, True),
        (35, SECOND, True),
    ]


def test_a_host_that_is_back_may_die_again_in_whichever_order_that_is_said() -> None:
    assert faults("identity@50", "identity@20+10") == [
        (20, FIRST, False),
        (30, FIRST, True),
        (50, FIRST, False),
    ]


def test_a_host_that_comes_back_in_a_moment_does_not_die_in_the_same() -> None:
    assert faults("identity@20+10", "identity@30") == [
        (20, FIRST, False),
        (30, FIRST, True),
        (30, SECOND, False),
    ]


def test_tiers_do_not_share_their_hosts() -> None:
    assert [host for _, host, _ in faults("edge@1", "identity@2", "edge@3")] == [0, FIRST, 1]


def test_more_hosts_than_there_are_cannot_die() -> None:
    with pytest.raises(InputError, match="kill: identity@30: no host of identity is up then, of 2"):
        faults("identity@20", "identity@10", "identity@30")
    assert len(faults("identity@20", "identity@10+5", "identity@30")) == 4
