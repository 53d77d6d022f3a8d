from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from klokken.document import validated
from klokken.errors import InputError
from klokken.people import LONGEST_WAIT, Again, Even, Lognormal, People, Temper
from klokken.profile import PROFILES, Profile
from tests import storms

SPANS = st.floats(0.01, LONGEST_WAIT)
SHARES = st.floats(0, 1, exclude_min=True, exclude_max=True)
SHIPPED = ["bavaria", "denmark", "south-schleswig", "morning"]


def figure(value: float) -> dict[str, Any]:
    return {"value": value, "source": "a test"}


def lognormal(median: float, sigma: float, most: float) -> Lognormal:
    body = {"median_seconds": median, "sigma": sigma, "most_seconds": most}
    return Lognormal.model_validate(
        {"kind": "lognormal", **{name: figure(value) for name, value in body.items()}}
    )


def even(least: float, most: float) -> Even:
    return Even.model_validate(
        {"kind": "uniform", "least_seconds": figure(least), "most_seconds": figure(most)}
    )


@cache
def people() -> People:
    found = Profile.named("bavaria").people
    assert found
    return found


@given(median=st.floats(0.01, 60), sigma=st.floats(0.01, 4), share=SHARES, other=SHARES)
def test_a_lognormal_time_is_never_longer_than_its_longest(
    median: float, sigma: float, share: float, other: float
) -> None:
    found = lognormal(median, sigma, 2 * median)
    low, high = sorted([share, other])
    assert 0 <= found.at(low) <= found.at(high) <= found.longest


@given(least=SPANS, most=SPANS, share=SHARES)
def test_an_even_time_lies_between_its_ends(least: float, most: float, share: float) -> None:
    least, most = sorted([least, most])
    assert least <= even(least, most).at(share) <= most * (1 + 1e-12)


def test_half_of_a_lognormal_that_is_hardly_cut_lies_below_its_median() -> None:
    assert lognormal(8.0, 0.5, 120.0).at(0.5) == pytest.approx(8.0, rel=1e-4)
    # The quantile of the standard normal at 0.95 is 1.6449.
    assert lognormal(8.0, 0.5, 120.0).at(0.95) == pytest.approx(8 * 2.276, rel=1e-3)


def test_what_is_cut_off_is_spread_over_what_is_left() -> None:
    # Of the uncut distribution 0.5 lies below 8 s and 0.5235 below 9 s.
    assert lognormal(8.0, 2.0, 9.0).at(0.5 / 0.5235) == pytest.approx(8.0, rel=1e-2)
    assert lognormal(8.0, 2.0, 9.0).at(0.99) < 9.0


def furthest(drawn: list[float]) -> float:
    """Return the largest distance of the draws from an even spread (Kolmogorov-Smirnov)."""
    count = len(drawn)
    return max(
        max(abs(n / count - x), abs((n + 1) / count - x)) for n, x in enumerate(sorted(drawn))
    )


@pytest.mark.parametrize("number", [0, 1, 7])
def test_what_people_draw_is_spread_as_declared(number: int) -> None:
    spread = People(think=even(1.0, 2.0), patience=even(1.0, 2.0), again=people().again)
    drawn = [Temper(spread, 1, pupil).think(number) - 1.0 for pupil in range(4000)]
    # One even sample in a hundred lies further off than this.
    assert furthest(drawn) < 1.63 / 4000**0.5


def test_what_one_person_draws_is_spread_as_declared_too() -> None:
    spread = People(think=even(1.0, 2.0), patience=even(1.0, 2.0), again=people().again)
    drawn = [Temper(spread, 1, 42).think(number) - 1.0 for number in range(4000)]
    assert furthest(drawn) < 1.63 / 4000**0.5


@given(seed=st.integers(0, 2**63), pupil=st.integers(0, 2**40), number=st.integers(0, 1000))
def test_a_person_is_the_same_whoever_asks(seed: int, pupil: int, number: int) -> None:
    one, other = Temper(people(), seed, pupil), Temper(people(), seed, pupil)
    assert one.think(number) == other.think(number)
    assert one.patience == other.patience
    assert one.pause(number, 2) == other.pause(number, 2)
    assert one.think(number) != Temper(people(), seed, pupil + 1).think(number)
    assert one.think(number) != Temper(people(), seed + 1, pupil).think(number)


@given(pupil=st.integers(0, 10**6), attempt=st.integers(0, 50))
def test_a_pause_doubles_up_to_its_longest(pupil: int, attempt: int) -> None:
    again = people().again
    longest = min(again.most_seconds.value, again.first_seconds.value * 2**attempt)
    assert longest / 2 <= Temper(people(), 1, pupil).pause(0, attempt) <= longest


@pytest.mark.parametrize("name", SHIPPED)
def test_the_profiles_of_real_places_say_what_people_are_like(name: str) -> None:
    found = Profile.named(name).people
    assert found
    assert found.again.timeout_seconds.value < found.patience.longest
    assert all(figure.why for figure in (found.again.attempts, found.again.first_seconds))


def body(name: str = "bavaria") -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((PROFILES / f"{name}.yaml").read_text())
    return found


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("think", "median_seconds", "value"), 60.0, "`median_seconds` must be less than"),
        (("think", "kind"), "normal", "does not match any of the expected tags"),
        (("patience", "most_seconds", "value"), 121.0, "less than or equal to 120 (got 121.0)"),
        (("patience", "sigma", "value"), 0.0, "greater than 0 (got 0.0)"),
        (("again", "attempts", "value"), 0, "greater than or equal to 1 (got 0)"),
        (("again", "attempt"), 3, "unknown key; did you mean 'attempts'?"),
        (("again", "timeout_seconds", "why"), "", "an assumed figure needs a `why`"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_field(
    where: tuple[str, ...], value: object, said: str
) -> None:
    given = body()
    part = given["people"]
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = value
    with pytest.raises(InputError) as error:
        validated(Profile, given, "bavaria.yaml")
    line = str(error.value)
    assert line.startswith(f"bavaria.yaml: people.{where[0]}")
    assert said in line
    assert "\n" not in line


def test_an_even_time_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(ValueError, match="`least_seconds` is more than `most_seconds`"):
        even(3.0, 2.0)


def test_an_exam_has_no_people_who_leave() -> None:
    given = body("exam") | {"people": body()["people"]}
    with pytest.raises(InputError, match="belongs to the journeys login and morning"):
        validated(Profile, given, "exam.yaml")


def test_a_profile_without_the_section_is_one_of_people_with_one_patience() -> None:
    plan = storms.plan(10)
    assert plan.profile.people is None
    assert plan.longest_patience == plan.patience_seconds


def test_how_people_try_again_is_how_clients_do() -> None:
    retries = Again.model_validate(body()["people"]["again"]).retries
    assert (retries.attempts, retries.timeout_seconds) == (5, 15.0)
