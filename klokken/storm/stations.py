"""The stations of a storm: which load generators take part, with how many workers each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.storm.facts import gather
from klokken.topology import SOURCES, Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.inventory import Host, Inventory
    from klokken.remote import Remote
    from klokken.results import StormPlan
    from klokken.storm.facts import Facts
    from klokken.storm.fleet import Fleet

# How many workers ring for each that would do, where there are cores: one that idles is on time.
SPARE = 4
# The journeys, where there are several.
_PLURAL = {"login": "logins", "morning": "mornings", "exam": "exams"}


@dataclass(frozen=True, slots=True)
class Station:
    """One host, its facts, the `addresses` its workers send from, and how many they are."""

    host: Remote
    facts: Facts
    addresses: tuple[str, ...]
    workers: int


def worker_count(inventory: Inventory) -> int:
    """Return how many workers the load generators can run: one a core."""
    return sum(facts.cores for _, facts in gather(inventory))


def enough(need: Fleet, cores: int) -> int:
    """Return how many workers ring a storm on load generators of so many `cores`."""
    return min(cores, SPARE * need.workers)


def stations(inventory: Inventory, workers: int) -> list[Station]:
    """Return the hosts of a storm of so many `workers`; the first, of any, has the master too."""
    found = gather(inventory)
    counts = spread(workers, [facts.cores for _, facts in found])
    hosts = inventory.hosts(Tier.LOADGEN)
    return [
        Station(host, facts, addresses(hosts[host.name]), count)
        for number, ((host, facts), count) in enumerate(zip(found, counts, strict=True))
        if count or number == 0
    ]


def spread(workers: int, cores: Sequence[int]) -> list[int]:
    """Return how many of the workers each host takes: the one with most cores free has the next."""
    counts = [0] * len(cores)
    for _ in range(workers):
        free = [have - used for have, used in zip(cores, counts, strict=True)]
        counts[free.index(max(free))] += 1
    return counts


def addresses(host: Host) -> tuple[str, ...]:
    """Return the addresses that a host's workers send from, its own one first."""
    further = host.__pydantic_extra__.get(SOURCES)
    if not isinstance(further, list):
        return (str(host.site_address),)
    return (str(host.site_address), *(str(address) for address in further))


def shown(plan: StormPlan, need: Fleet, crew: Sequence[Station]) -> str:
    """Return which workers ring a storm and from how many addresses, and how many would do."""
    would = f"{need.workers} worker{'s' * (need.workers > 1)} would do"
    ringing = [station for station in crew if station.workers]
    sources = sum(len(station.addresses) for station in ringing)
    head = (
        f"peak {need.peak_per_second:,.1f} {_PLURAL[plan.profile.journey]}/s,"
        f" {need.cpu_seconds_per_journey * 1000:.1f} ms each: {would};"
        f" {plan.workers} used on {len(ringing)} host{'s' * (len(ringing) > 1)},"
        f" from {sources} source address{'es' * (sources > 1)}"
    )
    return "\n".join([head, *(f"  {line}" for line in need.lines())])
