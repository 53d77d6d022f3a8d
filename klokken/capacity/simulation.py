"""The record of a simulation, minute by minute, and its verdict."""

from __future__ import annotations

from datetime import time
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

import numpy as np

from klokken.capacity.engine import column
from klokken.capacity.engine.tally import ANSWERED, KINDS, LEFT, MINUTE, percentile
from klokken.document import Document
from klokken.results import Judgement, Seconds, Verdict, Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.engine.model import Model
    from klokken.capacity.engine.state import State
    from klokken.profile import Profile, Slo

Level = Literal["fluid", "sweep", "exact"]


class Served(Document):
    """One request class, or the whole journey, in one minute. Times are seconds.

    Requests are counted by when they were sent, journeys by when the pupil was due.
    `failures` says how many were not answered, by cause; those who left are among them. Times
    are those of the answered and of those who left, who waited for as long as their patience.
    """

    requests: Whole
    ok: Whole
    failures: dict[str, Whole]
    p50: Seconds
    p95: Seconds
    p99: Seconds
    max: Seconds


class Minute(Document):
    """One minute: how many were due, how busy each tier's cores were, and who was served."""

    minute: Whole
    offered: Whole
    utilisation: dict[str, float]
    classes: dict[str, Served]


class Missed(Judgement):
    """A service level that one minute did not keep."""

    minute: Whole


class Simulation(Document):
    """What was SIMULATED: no host took part, and its figures are as good as its demands.

    The first minute is that in which the profile `opens`.
    Digests are SHA-256 of the files as they were; so is `result_hash`, of every count in the
    results, and the same inputs have the same on any machine. The fluid level counts nobody and
    has none.
    """

    schema_version: int = 1
    kind: Literal["SIMULATED"] = "SIMULATED"
    level: Level
    profile: str
    journey: str
    opens: time
    fraction: float
    seed: Whole
    bound: str
    kills: list[str]
    digests: dict[str, str]
    offered: Whole
    completed: Whole
    failed: Whole
    abandoned: Whole
    events: Whole
    minutes: list[Minute]
    missed: list[Missed]
    verdict: Verdict
    result_hash: str


def hashed(state: State, names: Sequence[str]) -> str:
    """Return the SHA-256 over the names of the classes and all that was counted."""
    digest = sha256("\n".join(names).encode())
    for array in (state.offered, state.counts, state.latency, state.work):
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
    return digest.hexdigest()


def minutes_of(
    model: Model, state: State, names: Sequence[str], tiers: Sequence[str]
) -> list[Minute]:
    """Return the minutes in which anybody was due or served; `names` ends with the journey's."""
    found = []
    cores = np.bincount(model.hosts[:, column.TIER], weights=model.hosts[:, column.CORES])
    for number in range(model.minutes):
        classes = {
            name: served
            for row, name in enumerate(names)
            if (served := _served(state, row, number)) is not None
        }
        if not classes and not state.offered[number]:
            continue
        busy = state.work[:, number] / (cores * MINUTE)
        shares = {tier: round(float(share), 4) for tier, share in zip(tiers, busy, strict=True)}
        found.append(
            Minute(
                minute=number,
                offered=int(state.offered[number]),
                utilisation=shares,
                classes=classes,
            )
        )
    return found


def _served(state: State, row: int, minute: int) -> Served | None:
    counts = state.counts[row, :, minute]
    histogram = state.latency[row, minute]
    if not counts.sum() and not histogram.sum():
        return None
    return Served(
        requests=int(counts.sum()),
        ok=int(counts[ANSWERED]),
        failures={KINDS[k]: int(n) for k, n in enumerate(counts) if n and k != ANSWERED},
        p50=percentile(histogram, 0.5),
        p95=percentile(histogram, 0.95),
        p99=percentile(histogram, 0.99),
        max=percentile(histogram, 1.0),
    )


def totals(state: State) -> dict[str, int]:
    """Return how the journeys ended; they add up to those offered."""
    by_kind = state.counts[-1].sum(axis=1)
    completed, abandoned = int(by_kind[ANSWERED]), int(by_kind[LEFT])
    return {
        "offered": int(state.offered.sum()),
        "completed": completed,
        "abandoned": abandoned,
        "failed": int(by_kind.sum()) - completed - abandoned,
    }


def missed(profile: Profile, minutes: Sequence[Minute]) -> list[Missed]:
    """Return every service level of a profile that some minute did not keep."""
    return [
        found
        for minute in minutes
        for name, slo in profile.slo.items()
        if name in minute.classes
        for found in _missed(minute.minute, name, slo, minute.classes[name])
    ]


def _missed(minute: int, name: str, slo: Slo, served: Served) -> list[Missed]:
    failed = (served.requests - served.ok) / served.requests if served.requests else 0.0
    figures = [("failed_share", slo.failed_share.value, failed)]
    if slo.p99_seconds is not None:
        figures.append(("p99_seconds", slo.p99_seconds.value, served.p99))
    return [
        Missed(
            minute=minute, request_class=name, what=what, limit=limit, measured=value, kept=False
        )
        for what, limit, value in figures
        if value > limit
    ]
