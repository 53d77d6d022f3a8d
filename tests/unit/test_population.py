from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from klokken import population

NUMBERS = st.integers(0, 1_200_000)
CELLS = st.integers(1, 200)


@given(number=NUMBERS, cells=CELLS)
def test_a_pupil_shares_class_school_and_cell_with_the_teacher(number: int, cells: int) -> None:
    pupil = population.pupil(number, cells)
    teacher = population.teacher(pupil.klass, cells)
    assert (pupil.klass, pupil.school, pupil.cell) == (teacher.klass, teacher.school, teacher.cell)
    assert number in population.pupils_of(pupil.klass, number + 1)
    assert 1 <= pupil.cell <= cells


@given(pupils=st.integers(1, 5000))
def test_every_pupil_is_in_one_class_and_every_class_has_one_teacher(pupils: int) -> None:
    classes = [population.pupils_of(k, pupils) for k in range(population.teachers(pupils))]
    assert [p for members in classes for p in members] == list(range(pupils))
    assert all(1 <= len(members) <= population.PUPILS_A_CLASS for members in classes)


@given(pupils=st.integers(1, 200_000), cells=CELLS)
def test_no_cell_has_more_pupils_than_the_first(pupils: int, cells: int) -> None:
    in_cell = np.bincount(population.schools_of(0, pupils, pupils) % cells)
    assert population.largest_cell(pupils, cells) == in_cell[0] == in_cell.max()


@given(pupils=st.integers(1, 5000), cells=CELLS)
def test_nobody_shares_a_name(pupils: int, cells: int) -> None:
    total = pupils + population.teachers(pupils)
    names = {population.person(n, pupils, cells).username for n in (0, pupils - 1, pupils, total)}
    assert len(names) == len({0, pupils - 1, pupils, total})


def test_the_first_of_each_kind() -> None:
    assert population.pupil(0, 2) == population.Person("elev0000001", False, 0, 0, 1)  # noqa: FBT003
    assert population.pupil(1_199_999, 2).username == "elev1200000"
    assert population.teacher(0, 2).username == "laerer000001"
    assert population.person(21, 21, 2).teacher


def test_schools_take_turns_at_the_cells() -> None:
    firsts = [population.pupil(420 * school, 3).cell for school in range(5)]
    assert firsts == [1, 2, 3, 1, 2]
    assert {population.pupil(p, 3).cell for p in range(420)} == {1}
