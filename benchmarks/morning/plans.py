"""The storm of one rate: a minute cut out of a longer steady morning of everybody."""

from __future__ import annotations

import math
from datetime import time
from typing import TYPE_CHECKING

from klokken.errors import InputError
from klokken.population import teachers
from klokken.profile import Profile
from klokken.storm.attendance import attendance
from klokken.storm.plan import plan_storm

if TYPE_CHECKING:
    from klokken.inventory import Inventory
    from klokken.results import StormPlan

# Seconds of a storm, and the most that 99 % of whole mornings and of every request may take.
LENGTH = 60
LIMIT = 3.0
OPENS = time(8)
# More than enough seeds to meet a wanted number of arrivals: each does by a chance of some 3 %.
SEEDS = 2000


def profile(rate: float, pupils: int) -> Profile:
    """Return the profile in which `pupils` and their teachers come evenly, `rate` a second."""
    people = pupils + teachers(pupils)
    length = max(LENGTH, math.floor(people / rate))
    base = Profile.named("morning").model_dump()
    limit = {"value": LIMIT, "source": "What this benchmark asks."}
    return Profile.model_validate(
        {
            **base,
            "name": "morning-rate",
            "title": {"da": "Skolemorgener i jævn strøm", "en": "School mornings at a steady rate"},
            "pupils": {"value": pupils, "source": "Those whose drives were seeded."},
            "arrivals": {
                "kind": "uniform",
                "opens": OPENS,
                "closes": _after(length),
                "assumed": True,
                "why": "A steady rate, to find the highest one that holds.",
            },
            # Who thinks and tries again would blur the rate that is asked for.
            "people": None,
            "slo": {name: {**slo, "p99_seconds": limit} for name, slo in base["slo"].items()},
        }
    )


def possible(rate: float, pupils: int) -> bool:
    """Return whether there are people enough for a storm of this rate."""
    return round(rate * LENGTH) <= pupils + teachers(pupils)


def plan(inventory: Inventory, rate: float, pupils: int, run: str, workers: int) -> StormPlan:
    """Return a storm of LENGTH seconds at exactly `rate` journeys a second.

    Each rate draws people of its own from all of them. Raises InputError where there are too
    few for the rate.
    """
    wanted = round(rate * LENGTH)
    if not possible(rate, pupils):
        raise InputError("benchmark", "pupils", f"{pupils} are too few", f"give {wanted}")
    draft = plan_storm(
        profile(rate, pupils),
        inventory,
        run=run,
        opens=OPENS,
        closes=_after(LENGTH),
        workers=workers,
    )
    for seed in range(wanted * SEEDS, (wanted + 1) * SEEDS):
        drawn = draft.model_copy(update={"seed": seed, "offered": wanted})
        if len(attendance(drawn, 0, drawn.people)) == wanted:
            return drawn
    raise AssertionError(f"no seed of {SEEDS} gives {wanted} arrivals")


def _after(seconds: int) -> time:
    """Return the time so long after OPENS."""
    whole = OPENS.hour * 3600 + seconds
    return time(whole // 3600, whole // 60 % 60, whole % 60)
