from __future__ import annotations

from datetime import time
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken import population
from klokken.curve import Curve, seconds
from klokken.document import validated
from klokken.errors import InputError
from klokken.profile import Profile
from klokken.report.sources import origins
from klokken.storm.attendance import attendance, shares
from tests import storms
from tests.examples import examples

if TYPE_CHECKING:
    from klokken.results import StormPlan

SCHOOL = population.PUPILS_A_CLASS * population.CLASSES_A_SCHOOL
EVEN = {"kind": "uniform", "opens": "07:59", "closes": "08:01", "source": "a test"}


def bells(*starts: tuple[str, float]) -> dict[str, Any]:
    schools = [
        {"starts": at, "share": {"value": share, "source": "a test"}} for at, share in starts
    ]
    return {"written_for": "08:00", "schools": schools}


def plan(pupils: int, seed: int = 1, **changes: Any) -> StormPlan:
    """Return a storm of the whole morning at schools that start at 07:45, 08:00 and 08:10."""
    three = bells(("07:45", 0.2), ("08:00", 0.5), ("08:10", 0.3))
    profile = storms.profile(**{"arrivals": EVEN, "bells": three, **changes})
    opens, closes = profile.window
    return storms.plan(
        1, profile=profile, pupils=pupils, seed=seed, opens=opens, closes=closes, fraction=1.0
    )


def test_the_window_reaches_from_the_earliest_school_to_the_latest() -> None:
    assert plan(100).profile.window == (time(7, 44), time(8, 11))


def test_all_pupils_of_a_school_come_around_its_own_start() -> None:
    made = plan(40 * SCHOOL)
    plain = Curve.of(made.profile.arrivals).due(made.seed, 0, made.pupils)
    present = attendance(made, 0, made.pupils)
    moved = np.empty(made.pupils)
    moved[present.pupils] = present.due + seconds(made.opens)
    by_school = np.round(moved - plain, 6).reshape(40, SCHOOL)
    assert np.all(by_school == by_school[:, :1])
    assert set(by_school[:, 0]) == {-900.0, 0.0, 600.0}


def test_starts_have_the_shares_of_schools_that_were_asked_for() -> None:
    found = plan(1).profile.bells
    assert found
    moves = found.moves(3, 20_000)
    for move, share in ((-900.0, 0.2), (0.0, 0.5), (600.0, 0.3)):
        # Four standard deviations: passed once in sixteen thousand times, at a fixed seed never.
        near = 4 * sqrt(share * (1 - share) / 20_000)
        assert np.mean(moves == move) == pytest.approx(share, abs=near)


def test_a_school_keeps_its_start_in_a_larger_country() -> None:
    found = plan(1).profile.bells
    assert found
    assert list(found.moves(5, 3000)[:100]) == list(found.moves(5, 100))
    assert list(found.moves(5, 100)) != list(found.moves(6, 100))


@given(
    seed=st.integers(0, 2**63),
    pupils=st.integers(1, 3000),
    workers=st.integers(1, 12),
    journey=st.sampled_from(["login", "morning"]),
)
@settings(max_examples=examples(25))
def test_any_number_of_workers_rings_the_same_morning(
    seed: int, pupils: int, workers: int, journey: str
) -> None:
    changes = {"journey": journey, "slo": storms.profile().model_dump()["slo"]}
    if journey == "morning":
        changes["slo"] = {"token": changes["slo"]["token"]}
    made = plan(pupils, seed, **changes)
    whole = attendance(made, 0, made.people)
    parts = [attendance(made, *share) for share in shares(made.people, workers)]
    due = dict(zip(whole.pupils, whole.due, strict=True))
    assert len(due) == made.people
    again = {p: d for part in parts for p, d in zip(part.pupils, part.due, strict=True)}
    assert again == due


@given(pupils=st.integers(1, 2000))
def test_everyone_has_the_school_that_the_population_says(pupils: int) -> None:
    people = pupils + population.teachers(pupils)
    found = population.schools_of(0, people, pupils)
    assert list(found) == [population.person(n, pupils, 1).school for n in range(people)]
    assert int(found.max()) == population.schools(pupils) - 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bells": bells(("08:00", 0.9))}, "the shares of `schools` sum to 0.9, not to 1"),
        ({"bells": bells(("08:00", -0.5))}, "greater than or equal to 0"),
        ({"bells": bells(("00:00:30", 1.0))}, "beyond midnight"),
        ({"bells": bells(("23:59", 1.0))}, "beyond midnight"),
        ({"bells": bells()}, "bells.schools"),
    ],
)
def test_starts_that_cannot_be_are_refused_in_one_line(
    changes: dict[str, Any], message: str
) -> None:
    body = storms.profile(arrivals=EVEN).model_dump() | changes
    with pytest.raises(InputError) as refused:
        validated(Profile, body, "a.yaml")
    line = str(refused.value)
    assert line.startswith("a.yaml: ")
    assert message in line
    assert "\n" not in line


def test_a_report_tells_where_each_share_comes_from() -> None:
    table = {
        "kind": "table",
        "rows": [{"at": "07:59", "share": 0.25}, {"at": "08:00", "share": 0.75}],
        "closes": "08:01",
        "source": "Counted.",
    }
    part = {"share": {"value": 1.0, "assumed": True, "why": "One curve."}, "curve": table}
    arrivals = {"kind": "mixture", "curves": [part]}
    told = origins(storms.profile(arrivals=arrivals, bells=bells(("08:00", 1.0))))
    found = {origin.field: origin for origin in told}
    assert found["bells.schools.0.share"].source == "a test"
    assert found["arrivals.curves.0.share"].why == "One curve."
    rows = found["arrivals.curves.0.curve.rows"]
    assert (rows.value, rows.source) == ("07:59:00 0.25 08:00:00 0.75", "Counted.")


def test_an_exam_has_one_start_for_all() -> None:
    body = Profile.named("exam").model_dump() | {"bells": bells(("08:00", 1.0))}
    with pytest.raises(InputError, match="one time for all; leave `bells` out"):
        validated(Profile, body, "a.yaml")
