"""The storms of a measurement: even arrivals at one rate, and those that follow a fresh start.

Exams are a page of their own, `exams`.
"""

from __future__ import annotations

import math
from datetime import time
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.measure.schedule import MEASURED, WARM_UP, WARMING, sizes, steady_rates
from klokken.curve import Curve, seconds
from klokken.errors import InputError
from klokken.population import teachers
from klokken.profile import Profile
from klokken.storm.plan import plan_storm

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.curve import Floats
    from klokken.inventory import Inventory
    from klokken.results import StormPlan

OPENS = time(8)
LENGTH = WARM_UP + MEASURED
# The fewest of whom a step can tell anything.
FEWEST = 10
# And the fewest pupils of an exam.
FEWEST_PUPILS = 3
# Rates are rounded to three digits, up by less than this.
ROUNDED = 0.995
# How long the storm takes that leads a start through its phases.
WARMING_LENGTH = sum(length for length, _ in WARMING)
# The longest that arrivals are spread over, so that a morning ends before midnight.
_LONGEST = 15 * 3600
_WHY = "A steady rate, to tell what a journey costs at it."


def steady(base: Profile, people: int, rate: float) -> Profile:
    """Return the profile of `people` who come evenly, `rate` a second, over as long as they last.

    A storm is a short stretch of it, so that each draws other people from all of them. Raises
    InputError where they are too few for one, or one would have too few of them.
    """
    if rate * LENGTH < FEWEST:
        raise InputError(
            "measure",
            "most",
            f"{rate:g} {base.name} a second for {LENGTH} s are fewer than {FEWEST} people",
            "give a higher rate, or fewer --steps",
        )
    everyone = _everyone(base, people)
    if rate * LENGTH > everyone:
        raise InputError(
            "measure",
            "most",
            f"{rate:g} {base.name} a second for {LENGTH} s are more than the {everyone} people"
            " there are",
            "give a lower rate, or the stack more `accounts`",
        )
    length = max(LENGTH, min(_LONGEST, math.floor(everyone / rate)))
    arrivals = {
        "kind": "uniform",
        "opens": OPENS,
        "closes": after(length),
        "assumed": True,
        "why": _WHY,
    }
    share = min(1.0, rate * length / everyone)
    return _changed(base, max(1, round(people * share)), arrivals)


def highest_rates(given: Sequence[str], profiles: Sequence[str]) -> dict[str, float]:
    """Read the highest rates as they were given, PROFILE=RATE each; raise InputError.

    The name may be left out where there is one profile only: journeys cost different amounts.
    """
    found: dict[str, float] = {}
    for text in given:
        name, named, rate = text.rpartition("=")
        if not named and len(profiles) == 1:
            name = profiles[0]
        if name not in profiles:
            names = ", ".join(profiles)
            raise InputError(
                "measure", "most", f"{text!r} names no profile of {names}", "give PROFILE=RATE"
            )
        if not _is_rate(rate):
            raise InputError(
                "measure", "most", f"{text!r} is no rate", "give one above 0, of an exam its pupils"
            )
        found[name] = float(rate)
    return found


def _is_rate(text: str) -> bool:
    try:
        return 0 < float(text) < math.inf
    except ValueError:
        return False


def rates_of(base: Profile, most: float, steps: int) -> list[float]:
    """Return evenly spaced rates of a profile up to the highest, or sizes of an exam."""
    return sizes(most, steps) if base.exam else steady_rates(most, steps)


def check(base: Profile, people: int, rates: Sequence[float]) -> None:
    """Raise InputError where the lowest or the highest of `rates` cannot be rung."""
    if base.exam and rates[0] < FEWEST_PUPILS:
        raise InputError(
            "measure",
            "most",
            f"the smallest {base.name} would have {rates[0]:g} pupils, fewer than {FEWEST_PUPILS}",
            "give a higher --most, or fewer --steps",
        )
    if base.exam and rates[-1] > people:
        raise InputError(
            "measure",
            "most",
            f"{base.name} has {people} pupils, fewer than {rates[-1]:g}",
            "give a lower --most, or a larger profile",
        )
    for rate in (rates[0], rates[-1]) if not base.exam else ():
        steady(base, people, rate)


def highest(base: Profile, people: int) -> float:
    """Return the highest rate for which there are people enough, and room to round it up.

    Of an exam it is all its pupils.
    """
    if base.exam:
        return people
    return ROUNDED * _everyone(base, people) / LENGTH


def _everyone(base: Profile, people: int) -> int:
    return people + (teachers(people) if base.journey == "morning" else 0)


def warming(base: Profile) -> Profile:
    """Return the logins that take a fresh start through its phases."""
    begins = np.cumsum([0, *(length for length, _ in WARMING)])
    counts = [length * rate for length, rate in WARMING]
    arrivals = {
        "kind": "table",
        "rows": [
            {"at": after(int(begin)), "share": count / sum(counts)}
            for begin, count in zip(begins, counts, strict=False)
        ],
        "closes": after(int(begins[-1])),
        "assumed": True,
        "why": "Slow at first, since cold hosts are.",
    }
    return _changed(base, round(sum(counts)), arrivals)


def people_of(profile: Profile, accounts: int) -> int:
    """Return how many there are to draw from: all who can sign in, or whose drives are seeded."""
    return accounts if profile.journey == "login" else profile.pupils.value


def planned(
    profile: Profile, inventory: Inventory, *, run: str, seed: int, length: int
) -> StormPlan:
    """Return the first `length` seconds of a profile as a storm, or all of an exam.

    Raises InputError as storms do.
    """
    if profile.exam:
        return plan_storm(profile, inventory, run=run, seed=seed)
    closes = after(length)
    return plan_storm(profile, inventory, run=run, seed=seed, opens=OPENS, closes=closes)


def due(profile: Profile, seed: int, length: int) -> Floats:
    """Return when those who take part in such a storm are due, in seconds, in order."""
    count = profile.pupils.value
    everyone = count + (teachers(count) if profile.journey == "morning" else 0)
    moments = Curve.of(profile.arrivals).due(seed, 0, everyone) - seconds(OPENS)
    return np.sort(moments[(moments >= 0) & (moments < length)])


def _changed(base: Profile, pupils: int, arrivals: dict[str, object]) -> Profile:
    body = base.model_dump(exclude={"pupils", "arrivals", "bells", "people"})
    count = {"value": pupils, "assumed": True, "why": _WHY}
    return Profile.model_validate({**body, "pupils": count, "arrivals": arrivals})


def after(length: int) -> time:
    """Return the time so many seconds after OPENS."""
    whole = OPENS.hour * 3600 + length
    return time(whole // 3600, whole // 60 % 60, whole % 60)
