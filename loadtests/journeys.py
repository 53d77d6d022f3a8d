"""The journeys by name: what a person of a given number does in a storm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loadtests.exam import exam
from loadtests.login import login
from loadtests.morning import morning

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.steps import Journey
    from loadtests.world import World

JOURNEYS: dict[str, Callable[[World, int], Journey]] = {
    "login": login,
    "morning": morning,
    "exam": exam,
}


def journey(world: World, number: int) -> Journey:
    """Return what this person does, as the plan's profile says."""
    return JOURNEYS[world.plan.profile.journey](world, number)
