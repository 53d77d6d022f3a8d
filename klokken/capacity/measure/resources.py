"""What a journey needs beside CPU: memory, connections, network and disk, by the same line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.measure import fit
from klokken.capacity.measure.analysis import estimate
from klokken.capacity.measure.estimate import Resource

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from klokken.capacity.measure.steps import Step
    from klokken.capacity.measure.usage import MachineUse, TierUse
    from klokken.curve import Floats

TIER: dict[str, tuple[str, Callable[[TierUse], float]]] = {
    "memory": ("bytes", lambda use: sum(use.memory_bytes.values())),
    "connections": ("connections", lambda use: use.connections),
    "received": ("bytes/s", lambda use: use.received_bytes),
    "sent": ("bytes/s", lambda use: use.sent_bytes),
}
MACHINE: dict[str, tuple[str, Callable[[MachineUse], float]]] = {
    "disk reads": ("IOPS", lambda use: use.disk_reads),
    "disk writes": ("IOPS", lambda use: use.disk_writes),
    "disk read": ("bytes/s", lambda use: use.disk_read_bytes),
    "disk written": ("bytes/s", lambda use: use.disk_written_bytes),
}


def resources(steps: Sequence[Step], journeys: Sequence[str], seed: int) -> list[Resource]:
    """Return every figure of every tier and machine that all steps have.

    What a tier's processes had written is of whole storms, so its rates are theirs. Exams count
    as a whole: hosts are read too seldom to tell what they do in each of its stretches.
    """
    rates = np.array(
        [[s.achieved if s.journey == name else 0.0 for name in journeys] for s in steps]
    )
    found = []
    for place, what, unit, used in _figures(steps):
        line = fit.fitted(rates, used, seed)
        found.append(_resource(place, what, unit, line, journeys))
    whole = rates * np.array([[s.writing.journeys / s.writing.seconds / s.achieved] for s in steps])
    for tier in steps[0].writing.written:
        if all(tier in s.writing.written for s in steps):
            used = np.array([s.writing.written[tier] / s.writing.seconds for s in steps])
            line = fit.fitted(whole, used, seed)
            found.append(_resource(tier, "written by processes", "bytes/s", line, journeys))
    return found


def _figures(steps: Sequence[Step]) -> Iterator[tuple[str, str, str, Floats]]:
    first = steps[0].usage
    for tier in first.tiers:
        if all(tier in s.usage.tiers for s in steps):
            for what, (unit, of_tier) in TIER.items():
                yield tier, what, unit, np.array([of_tier(s.usage.tiers[tier]) for s in steps])
    for name in first.machines:
        if all(name in s.usage.machines for s in steps):
            for what, (unit, of_machine) in MACHINE.items():
                used = np.array([of_machine(s.usage.machines[name]) for s in steps])
                yield name, what, unit, used


def _resource(
    place: str, what: str, unit: str, line: fit.Line, journeys: Sequence[str]
) -> Resource:
    return Resource(
        place=place,
        what=what,
        unit=unit,
        idle=estimate(line, 0),
        each={journey: estimate(line, n) for n, journey in enumerate(journeys, 1)},
    )
