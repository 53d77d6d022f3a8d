"""The course of a roll-out: when each wave begins, and which kommuner come with it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING

from klokken.capacity.kommuner import kommuner
from klokken.capacity.money import MONTHS
from klokken.errors import InputError

if TYPE_CHECKING:
    from klokken.capacity.kommuner import Kommune


@dataclass(frozen=True, slots=True)
class Course:
    """How the roll-out goes: how many waves after today's, until when."""

    waves: int
    until: date

    def begins(self, today: date) -> list[date]:
        """Return the day of each wave: today, then first days of months, evenly until the last.

        Raise InputError where two waves would begin in one month.
        """
        first, last = _month(today), _month(self.until)
        if first >= last:
            when = "over" if self.until <= today else "in this month"
            problem = f"{self.until} is {when}"
            raise InputError("waves", "until", problem, "give a day of a later month")
        months = last - first
        if not 1 <= self.waves <= months:
            problem = f"is {self.waves}, and until {self.until} there are {months} months"
            raise InputError("waves", "waves", problem, f"give 1 to {months}, or a later --until")
        there = [first + months * n // self.waves for n in range(1, self.waves + 1)]
        return [today, *(date(n // MONTHS, n % MONTHS + 1, 1) for n in there)]

    def members(self) -> list[list[Kommune]]:
        """Return who comes with which wave: those of today, then the small before the large.

        Each wave takes as many as come nearest to an even share of the pupils who are left, and at
        least one: a kommune with more than that is a wave alone, and those before it are smaller.
        """
        later = [each for each in kommuner() if not each.today]
        left = sorted(later, key=lambda each: each.pupils.value)
        if self.waves > len(left):
            problem = f"is {self.waves}, and {len(left)} kommuner are to come"
            raise InputError("waves", "waves", problem, f"give 1 to {len(left)}")
        found = []
        for after in reversed(range(self.waves)):
            count = _next([each.pupils.value for each in left], after)
            found.append(left[:count])
            left = left[count:]
        return [[each for each in kommuner() if each.today], *found]


def _next(pupils: list[int], after: int) -> int:
    """Return how many of those who are left come next, where so many waves come after."""
    sums = list(accumulate(pupils))
    share = sums[-1] / (after + 1)
    return 1 + min(range(len(sums) - after), key=lambda n: abs(sums[n] - share))


def _month(day: date) -> int:
    """Return the number of a day's month, counted from the year 0."""
    return MONTHS * day.year + day.month - 1
