"""Who goes to school: accounts' names, classes, schools and drive cells, all by number.

Pupils and teachers count from 0. Everything follows from a number, so that storm, seeding and
audit agree without talking to each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]

# A Danish class has 20.9 pupils, a Danish folkeskole 429.
PUPILS_A_CLASS = 21
CLASSES_A_SCHOOL = 20
PUPILS_A_SCHOOL = PUPILS_A_CLASS * CLASSES_A_SCHOOL


@dataclass(frozen=True, slots=True)
class Person:
    """A pupil or a teacher: `cell` counts from 1, as in the host name drive1."""

    username: str
    teacher: bool
    klass: int
    school: int
    cell: int


def pupil(number: int, cells: int) -> Person:
    """Return the pupil of this number at a site of `cells` drive cells."""
    return _person(f"elev{number + 1:07d}", number // PUPILS_A_CLASS, cells, teacher=False)


def teacher(number: int, cells: int) -> Person:
    """Return the teacher of the class of this number."""
    return _person(f"laerer{number + 1:06d}", number, cells, teacher=True)


def person(number: int, pupils: int, cells: int) -> Person:
    """Return a member of a population of `pupils`, who come first, and their teachers."""
    return pupil(number, cells) if number < pupils else teacher(number - pupils, cells)


def teachers(pupils: int) -> int:
    """Return how many teachers so many pupils have: one a class, the last class being smaller."""
    return -(-pupils // PUPILS_A_CLASS)


def schools(pupils: int) -> int:
    """Return how many schools so many pupils have, the last one being smaller."""
    return -(-teachers(pupils) // CLASSES_A_SCHOOL)


def schools_of(first: int, end: int, pupils: int) -> Numbers:
    """Return the school of each of the people `first` to `end` - 1, the `pupils` coming first."""
    numbers = np.arange(first, end)
    classes = np.where(numbers < pupils, numbers // PUPILS_A_CLASS, numbers - pupils)
    return classes // CLASSES_A_SCHOOL


def pupils_of(klass: int, pupils: int) -> range:
    """Return the numbers of the pupils of a class, where there are `pupils` in all."""
    first = klass * PUPILS_A_CLASS
    return range(first, min(first + PUPILS_A_CLASS, pupils))


def largest_cell(pupils: int, cells: int) -> int:
    """Return how many of the pupils are in the first of so many cells; no other has more."""
    first = np.arange(0, schools(pupils), cells) * PUPILS_A_SCHOOL
    return int(np.minimum(PUPILS_A_SCHOOL, pupils - first).sum())


def _person(username: str, klass: int, cells: int, *, teacher: bool) -> Person:
    school = klass // CLASSES_A_SCHOOL
    return Person(username, teacher, klass, school, 1 + school % cells)
