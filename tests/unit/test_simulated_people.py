"""The simulator's people come by their school's bell, and think and wait as the profile says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from klokken.bells import Bells
from klokken.capacity.demands import EXAMPLES, Demands
from klokken.capacity.engine import column
from klokken.capacity.engine.events import simulate
from klokken.capacity.model import model
from klokken.capacity.morning import NANO, Morning
from klokken.capacity.platform import Platform
from klokken.population import schools, schools_of
from klokken.profile import Profile

if TYPE_CHECKING:
    from klokken.capacity.engine.state import State
    from klokken.people import People

pytestmark = pytest.mark.heavy

GROUND = {"assumed": True, "why": "a test"}
DEMANDS = Demands.read(EXAMPLES / "lab-demands.yaml")
PLATFORM = Platform.read(EXAMPLES / "lab-platform.yaml")
PLAIN = Profile.named("south-schleswig")


def rung_at(*starts: tuple[str, float]) -> Profile:
    """Return the profile with schools that start at other times than 08:00."""
    bells = {
        "written_for": "08:00",
        "schools": [{"starts": at, "share": {"value": share, **GROUND}} for at, share in starts],
    }
    return PLAIN.model_copy(update={"bells": Bells.model_validate(bells)})


def end_of(people: People | None) -> State:
    """Return how the lab fares with the profile's morning."""
    morning = Morning.of(PLAIN, 1, 1.0)
    journey = DEMANDS.journeys["login"]
    built = model(DEMANDS, journey, PLATFORM, morning, seed=1, accounts=0, people=people)
    return simulate(built)


def test_each_school_comes_by_its_own_bell() -> None:
    plain = Morning.of(PLAIN, 1, 1.0)
    moved = Morning.of(rung_at(("07:45", 0.5), ("08:15", 0.5)), 1, 1.0)
    # The window opens a quarter of an hour earlier.
    late = (moved.due - plain.due) / NANO
    assert set(late) == {0.0, 1800.0}
    assert moved.seconds == plain.seconds + 1800
    pupils = PLAIN.pupils.value
    np.testing.assert_array_equal(moved.schools, schools_of(0, pupils, pupils))
    for school in range(schools(pupils)):
        assert len(set(late[moved.schools == school])) == 1


def test_bells_at_the_written_hour_change_nothing() -> None:
    plain, same = (Morning.of(p, 1, 1.0) for p in (PLAIN, rung_at(("08:00", 1.0))))
    np.testing.assert_array_equal(plain.due, same.due)
    assert plain.seconds == same.seconds


def test_people_think_and_wait_as_long_as_the_profile_says() -> None:
    assert PLAIN.people is not None
    state = end_of(PLAIN.people)
    thought = state.people[:, column.THOUGHT] / NANO
    due = np.sort(Morning.of(PLAIN, 1, 1.0).due)
    patience = (state.people[:, column.LEAVES] - due) / NANO - thought
    for share in (0.05, 0.5, 0.95):
        for drawn, said in ((thought, PLAIN.people.think), (patience, PLAIN.people.patience)):
            assert np.quantile(drawn, share) == pytest.approx(said.at(share), rel=0.06)
    # One's patience says nothing of how long one thinks.
    assert abs(np.corrcoef(thought, patience)[0, 1]) < 0.05


def test_without_people_nobody_thinks_and_all_have_one_patience() -> None:
    state = end_of(None)
    assert not state.people[:, column.THOUGHT].any()
    due = np.sort(Morning.of(PLAIN, 1, 1.0).due)
    assert set((state.people[:, column.LEAVES] - due) / NANO) == {30.0}
