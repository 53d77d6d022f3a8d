"""The times of a storm in its own seconds, which count from the plan's `opens`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.curve import seconds

if TYPE_CHECKING:
    from datetime import time

    from klokken.results import StormPlan

# How often a person thinks at most on any journey, beside once for every further attempt.
THOUGHTS = 8

# Seconds after the deadline of an exam in which what was begun may still come to its end.
GRACE = 120.0

# The share of a token's life after which it is renewed.
_RENEWED = 0.6


def second_of(plan: StormPlan, moment: time) -> float:
    """Return the second of the storm at which the profile's clock shows `moment`."""
    return (seconds(moment) - seconds(plan.opens)) / plan.compression


def arriving(plan: StormPlan) -> float:
    """Return the seconds in which pupils arrive."""
    return second_of(plan, plan.closes)


def deadline(plan: StormPlan) -> float | None:
    """Return the second at which the exam ends, or None where the storm is none."""
    exam = plan.profile.exam
    if exam is None:
        return None
    return second_of(plan, exam.starts.value) + exam.minutes.value * 60 / plan.compression


def renewal(plan: StormPlan, life: float) -> float:
    """Return how old a token that lives for so many seconds is when it is renewed."""
    exam = plan.profile.exam
    if exam is None or exam.renewal_seconds is None:
        return _RENEWED * life
    return min(_RENEWED * life, exam.renewal_seconds.value / plan.compression)


def lasting(plan: StormPlan) -> float:
    """Return the second after which no pupil goes on."""
    end = deadline(plan)
    if end is not None:
        return end + GRACE
    return arriving(plan) + plan.longest_patience + _thinking(plan)


def share_of(plan: StormPlan, second: float) -> str:
    """Return how far a storm has come at `second`, in words."""
    return f"{second:.0f} s of {lasting(plan):.0f}"


def _thinking(plan: StormPlan) -> float:
    """Return the seconds beyond which nobody thinks on the whole way, all attempts counted."""
    people = plan.profile.people
    return (THOUGHTS + people.again.attempts.value) * people.think.longest if people else 0.0
