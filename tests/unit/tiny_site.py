"""Small platforms and mornings to simulate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from klokken.capacity.demands import Demands
from klokken.capacity.model import model
from klokken.capacity.morning import NANO, Morning
from klokken.capacity.platform import Kill, Platform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from klokken.capacity.engine.model import Integers, Model

# No kill of a test is refused for its second.
LONG = 3600
GROUND = {"assumed": True, "why": "a test"}


def seconds(value: float) -> dict[str, Any]:
    return {"value": value, "low": value / 2, "high": value * 2, **GROUND}


def cost(value: float, variation: float = 0.0) -> dict[str, Any]:
    return {**seconds(value), "variation": variation}


def at(due: Integers) -> Morning:
    """Return the morning of pupils who are due at these nanoseconds, a school each."""
    people = np.arange(len(due))
    return Morning(people, due, people, int(due.max()) // NANO + 1)


def poisson(rate: float, seconds: float, seed: int) -> Morning:
    """Return a morning of independent arrivals, so many a second."""
    random = np.random.Generator(np.random.Philox(seed))
    count = int(rate * seconds)
    return at(np.cumsum(random.exponential(NANO / rate, count)).astype(np.int64))


def site(  # noqa: PLR0913 - one figure of the host each
    morning: Morning,
    *,
    cores: int,
    workers: int,
    queue: int,
    variation: float,
    work: float = 0.01,
    seed: int = 1,
    cold: int = 0,
    kill: str = "",
    takeover: float | None = None,
) -> Model:
    """Return a site of one host, next door to its pupils, who ask once and wait long.

    Its first `cold` visits take three times the work. With a `takeover`, one more stands by.
    """
    demands = Demands.model_validate(
        {
            "name": "tiny",
            "journeys": {
                "login": {
                    "requests": [{"name": "ask", "path": ["edge"]}],
                    "conduct": {"patience_seconds": 260},
                }
            },
            "work": {"ask": {"edge": cost(work, variation)}},
            "connection": cost(0.0),
            "resources": {"edge": {"takeover_seconds": takeover and seconds(takeover)}},
            "warmth": {
                "edge": {
                    "cold": {"value": 3.0, "low": 3.0, "high": 3.0, "visits": cold, **GROUND},
                    "warming": {"value": 1.0, "low": 1.0, "high": 1.0, "visits": 0, **GROUND},
                }
            },
        }
    )
    platform = Platform.model_validate(
        {
            "name": "tiny",
            "tiers": {
                "edge": {
                    "nodes": 1,
                    "cores": cores,
                    "workers": workers,
                    "queue": queue,
                    "balance": "spread",
                    "round_trip_seconds": 0.0,
                    "starts_cold": True,
                    "stands_by": takeover is not None,
                }
            },
        }
    )
    return _built(demands, platform, morning, seed, [kill] if kill else [])


REQUESTS = [
    {"name": "page", "path": ["edge", "identity", "database"], "connects": True, "priority": 2},
    {"name": "password", "path": ["edge", "identity", "database"], "again": "page"},
    {"name": "drives", "path": ["edge", "drive"], "think_seconds": 0.2},
]
WORK = {
    "page": {"edge": cost(0.001), "identity": cost(0.01, 1.0), "database": cost(0.002, 1.0)},
    "password": {"edge": cost(0.001), "identity": cost(0.05), "database": cost(0.002, 0.5)},
    "drives": {"edge": cost(0.001), "drive": cost(0.02, 2.0)},
}


def school(  # noqa: PLR0913 - one choice each
    morning: Morning,
    *,
    workers: int = 4,
    queue: int = 10,
    queue_seconds: float = 1.0,
    attempts: int = 3,
    patience: float = 5.0,
    kills: tuple[str, ...] = (),
    seed: int = 1,
    edge: int = 100,
) -> Model:
    """Return a site of four tiers with tight limits, whose pupils try again and leave."""
    retries = {"attempts": attempts, "first_seconds": 0.2, "most_seconds": 2.0}
    demands = Demands.model_validate(
        {
            "name": "school",
            "journeys": {
                "login": {
                    "requests": REQUESTS,
                    "conduct": {"patience_seconds": patience, "retries": retries},
                }
            },
            "work": WORK,
            "connection": cost(0.001, 0.5),
            "warmth": {
                "identity": {
                    "cold": {"value": 3.0, "low": 2.0, "high": 4.0, "visits": 100, **GROUND},
                    "warming": {"value": 2.0, "low": 1.0, "high": 3.0, "visits": 200, **GROUND},
                }
            },
        }
    )

    def tier(nodes: int, cores: int, places: int, balance: str) -> dict[str, Any]:
        return {
            "nodes": nodes,
            "cores": cores,
            "workers": places,
            "queue": queue,
            "queue_seconds": queue_seconds,
            "balance": balance,
            "round_trip_seconds": 0.001,
        }

    platform = Platform.model_validate(
        {
            "name": "school",
            "tiers": {
                "edge": tier(2, 2, edge, "spread"),
                "identity": tier(2, 2, workers, "least"),
                "drive": tier(2, 2, workers, "cell"),
                "database": tier(2, 1, 2 * workers, "first"),
            },
        }
    )
    return _built(demands, platform, morning, seed, kills)


def _built(
    demands: Demands, platform: Platform, morning: Morning, seed: int, kills: Iterable[str]
) -> Model:
    return model(
        demands,
        demands.journeys["login"],
        platform,
        morning,
        seed=seed,
        accounts=0,
        kills=[Kill.parse(kill, platform, LONG) for kill in kills],
    )
