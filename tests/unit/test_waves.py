"""The roll-out: who comes when, and that a wave only ever adds to what there is."""

from __future__ import annotations

from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken.capacity.kommuner import kommuner
from klokken.capacity.sizing.course import Course
from klokken.capacity.sizing.task import Choices
from klokken.capacity.sizing.waves import roll_out
from klokken.errors import InputError

TODAY = date(2026, 11, 22)
SUMMER = date(2027, 8, 1)
LATER = sum(not each.today for each in kommuner())


def test_the_waves_begin_with_today_s_and_end_with_all_and_only_add() -> None:
    found = roll_out(Choices("denmark-morning", providers=("hetzner",)), Course(3, SUMMER), TODAY)
    first, *_, last = found.waves
    assert (first.all_kommuner, last.all_kommuner, last.pupils) == (23, 98, 600_000)
    assert sorted(first.kommuner) == sorted(each.name for each in kommuner() if each.today)
    everybody = [name for wave in found.waves for name in wave.kommuner]
    assert sorted(everybody) == sorted(each.name for each in kommuner())
    assert all(count >= 0 for wave in found.waves for count in wave.added.values())
    for tier, count in last.hosts.items():
        assert sum(wave.added[tier] for wave in found.waves) == count
    assert [wave.begins for wave in found.waves] == Course(3, SUMMER).begins(TODAY)


def test_a_wave_begins_on_the_first_of_a_month_and_the_last_one_when_all_shall_be_in() -> None:
    assert Course(4, SUMMER).begins(TODAY) == [
        TODAY,
        date(2027, 1, 1),
        date(2027, 3, 1),
        date(2027, 5, 1),
        SUMMER,
    ]
    # Not after the day that was given.
    assert Course(1, date(2027, 8, 31)).begins(TODAY)[-1] == SUMMER


@given(st.dates(date(2026, 1, 1), date(2030, 1, 1)), st.integers(1, 60), st.integers(1, 28))
def test_no_two_waves_begin_in_one_month(today: date, months: int, day: int) -> None:
    number = today.year * 12 + today.month - 1 + months
    until = date(number // 12, number % 12 + 1, day)
    for waves in {1, (months + 1) // 2, months}:
        begins = Course(waves, until).begins(today)
        assert len(begins) == waves + 1
        assert all(one < other for one, other in pairwise(begins))
        assert len({(each.year, each.month) for each in begins}) == len(begins)
        assert begins[-1] == until.replace(day=1)


@pytest.mark.parametrize("waves", [*range(1, 14), LATER])
def test_no_wave_is_empty_and_the_small_come_before_the_large(waves: int) -> None:
    today, *later = Course(waves, SUMMER).members()
    assert sum(map(len, [today, *later])) == 98
    assert len(later) == waves
    assert all(later)
    pupils = [each.pupils.value for wave in later for each in wave]
    assert pupils == sorted(pupils)


def test_waves_are_about_as_large_as_one_another_where_no_kommune_is_too_large() -> None:
    _, *later = Course(4, SUMMER).members()
    sums = [sum(each.pupils.value for each in wave) for wave in later]
    assert max(sums) <= 1.05 * min(sums)


@pytest.mark.parametrize(
    ("course", "says"),
    [
        (Course(0, SUMMER), "waves: waves: is 0, and until 2027-08-01 there are 9 months"),
        (Course(10, SUMMER), "is 10, .* there are 9 months; give 1 to 9, or a later --until"),
        (Course(76, date(2037, 8, 1)), "waves: waves: is 76, and 75 kommuner are to come"),
        (Course(4, date(2026, 1, 1)), "waves: until: 2026-01-01 is over"),
        (Course(1, date(2026, 11, 30)), "waves: until: 2026-11-30 is in this month"),
    ],
)
def test_a_course_that_cannot_be_is_told_in_one_line(course: Course, says: str) -> None:
    with pytest.raises(InputError, match=says):
        roll_out(Choices("denmark", providers=("hetzner",)), course, TODAY)


def test_pupils_who_are_not_of_the_kommuner_are_not_shared_out_over_them() -> None:
    said = "bavaria: pupils.value: is 1,200,000, and the kommuner .* have 632,603; give a profile"
    with pytest.raises(InputError, match=said):
        roll_out(Choices("bavaria", providers=("hetzner",)), Course(3, SUMMER), TODAY)
