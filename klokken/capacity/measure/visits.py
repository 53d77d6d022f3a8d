"""What one request takes of network and disk, from what whole journeys were seen to take.

Memory and connections are not carried over: a run is too short for the caches of a host that has
been up for weeks, and the load generator closes its connections sooner than browsers do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klokken.capacity.sizing.asked import WIDEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.estimate import Estimate, Resource
    from klokken.capacity.measure.sharing import Told
    from klokken.topology import Tier

_DIGITS = 4
_SPLIT = (
    "The machine's disk writes, shared out over the tiers by the bytes that their processes wrote."
)


def visits(
    found: Sequence[Resource], base: Demands, journeys: Sequence[str], told: Told
) -> dict[Tier, dict[str, Any]]:
    """Return `visit_kb` and `visit_writes` of each tier of which they are known well enough.

    Of several journeys, those of the one in which a request takes most.
    """
    by_name = {(one.place, one.what): one for one in found}
    made: dict[Tier, dict[str, Any]] = {}
    for tier in dict.fromkeys(tier for name in journeys for tier in base.journeys[name].tiers):
        figures = {
            "visit_kb": _largest(_sent(by_name, base, journeys, tier), told.source),
            "visit_writes": _largest(
                _writes(by_name, base, journeys, tier), f"{told.source} {_SPLIT}"
            ),
        }
        made[tier] = {name: figure for name, figure in figures.items() if figure}
    return made


def _sent(
    by_name: Mapping[tuple[str, str], Resource], base: Demands, journeys: Sequence[str], tier: Tier
) -> list[dict[str, float]]:
    sent = by_name.get((tier, "sent"))
    if sent is None:
        return []
    return [
        _each(sent.each[name], 1 / (1000 * count))
        for name in journeys
        if (count := _requests(base, name, tier))
    ]


def _writes(
    by_name: Mapping[tuple[str, str], Resource], base: Demands, journeys: Sequence[str], tier: Tier
) -> list[dict[str, float]]:
    """Return writes a request, where all hosts write to the disks of one machine."""
    machines = [one for (_, what), one in by_name.items() if what == "disk writes"]
    written = {place: one for (place, what), one in by_name.items() if what.startswith("written")}
    if len(machines) != 1 or tier not in written:
        return []
    found = []
    for name in journeys:
        whole = sum(one.each[name].value for one in written.values())
        count = _requests(base, name, tier)
        if whole and count:
            share = written[tier].each[name].value / whole
            found.append(_each(machines[0].each[name], share / count))
    return found


def _requests(base: Demands, journey: str, tier: Tier) -> int:
    return sum(tier in request.path for request in base.journeys[journey].requests)


def _each(whole: Estimate, share: float) -> dict[str, float]:
    return {at: round(getattr(whole, at) * share, _DIGITS) for at in ("value", "low", "high")}


def _largest(figures: list[dict[str, float]], source: str) -> dict[str, Any] | None:
    """Return the largest of the figures, None where it is too wide to size from."""
    largest = max(figures, key=lambda one: one["value"], default=None)
    if not largest or not 0 < largest["high"] <= WIDEST * largest["value"]:
        return None
    return {**largest, "source": source}
