"""Whether the hosts of a storm have what it needs, before anything of it is started."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from klokken import loadgen
from klokken.errors import MachineError
from klokken.storm import clocks
from klokken.storm.fleet import OTHER_FILES
from klokken.storm.following import STARTING
from klokken.storm.timing import lasting
from klokken.storm.units import ENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.results import StormPlan
    from klokken.storm.facts import Facts
    from klokken.storm.fleet import Fleet
    from klokken.storm.stations import Station

# Memory of a process of Locust with its libraries (105 MB measured), of a pupil in a journey (a
# greenlet and what it knows, 13 KB, with room) and each open connection (25 KB of TLS, with
# room), and of one not yet due.
PROCESS_BYTES = 120_000_000
PUPIL_BYTES = 30_000
CONNECTION_BYTES = 30_000
WAITING_BYTES = 16
# What a worker hands over in a second, as the journal has it (0.9 KB measured at 50 logins/s),
# and what else a run leaves.
JOURNAL_BYTES = 4_000
OTHER_BYTES = 50_000_000
# A line of the log of writes (362 bytes measured), which the journal has as well.
WRITE_BYTES = 400


@dataclass(frozen=True, slots=True)
class Need:
    """What a storm needs of one host: `open_files` for each worker, the rest for all.

    `seconds` is how long its units may have to run.
    """

    ports: int
    open_files: int
    conntrack: int
    memory_bytes: int
    disk_bytes: int
    seconds: int


def need_of(plan: StormPlan, fleet: Fleet, workers: int, *, master: bool) -> Need:
    """Return what a storm needs of a host with so many of its `workers`, or its `master` too."""
    share, crowd = workers / plan.workers, fleet.crowd
    connections = crowd.connections * share
    pupils = ceil(crowd.pupils * share) * PUPIL_BYTES + ceil(connections) * CONNECTION_BYTES
    waiting = ceil(plan.people * share) * WAITING_BYTES
    return Need(
        ports=ceil(crowd.ports * share),
        open_files=ceil(connections / max(1, workers)) + OTHER_FILES,
        conntrack=ceil(crowd.conntrack * share),
        memory_bytes=(workers + master) * PROCESS_BYTES + pupils + waiting,
        disk_bytes=_left_bytes(plan) if master else 0,
        seconds=ceil(STARTING + lasting(plan) + ENDING),
    )


def _left_bytes(plan: StormPlan) -> int:
    """Return what the run leaves on the master's host."""
    heard = ceil(plan.workers * lasting(plan)) * JOURNAL_BYTES
    return OTHER_BYTES + heard + _writes(plan) * 2 * WRITE_BYTES


def _writes(plan: StormPlan) -> int:
    """Return how often something is stored; who hands in early leaves room for what is repeated."""
    exam = plan.profile.exam
    if exam is None:
        return 0
    gap = (exam.autosave_least_seconds.value + exam.autosave_most_seconds.value) / 2
    return plan.offered * (ceil(exam.minutes.value * 60 / gap) + 1)


def complaints(facts: Facts, addresses: Sequence[str], need: Need) -> list[str]:
    """Return what a host lacks, each with what to raise; nothing where it is ready."""
    found = []
    if facts.busy:
        found.append(
            "another storm is being rung there; wait for its end, or stop klokken-master.service"
            " and the workers"
        )
    if missing := [address for address in addresses if address not in facts.addresses]:
        found.append(f"has no address {', '.join(missing)}; run `klokken up`")
    if need.ports > facts.ports * len(addresses):
        found.append(
            f"the storm needs {need.ports:,} source ports and it has {facts.ports:,} at each of"
            f" {len(addresses)} addresses; widen net.ipv4.ip_local_port_range, or give it"
            f" {ceil(need.ports / facts.ports)} addresses by `loadgen_addresses`"
        )
    if need.open_files > facts.open_files:
        found.append(
            f"a worker needs {need.open_files:,} open files and may have {facts.open_files:,};"
            " raise `loadgen_open_files`"
        )
    if facts.conntrack is not None and need.conntrack > facts.conntrack:
        found.append(
            f"the storm needs {need.conntrack:,} conntrack entries and {facts.conntrack:,} are"
            " free; raise net.netfilter.nf_conntrack_max"
        )
    if need.memory_bytes > facts.memory_bytes:
        found.append(
            f"the storm needs {_mb(need.memory_bytes)} of memory and {_mb(facts.memory_bytes)}"
            " are free; give it more, or the tier `loadgen` more hosts"
        )
    if need.disk_bytes > facts.disk_bytes:
        found.append(
            f"the run needs {_mb(need.disk_bytes)} in {loadgen.RUNS} and"
            f" {_mb(facts.disk_bytes)} are free; make room there"
        )
    if need.seconds > facts.unit_seconds:
        found.append(
            f"the storm may take {need.seconds:,} s and its units are ended after"
            f" {facts.unit_seconds:,.0f} s; raise `loadgen_storm_limit`, or --compress an exam"
        )
    return found


def require(plan: StormPlan, fleet: Fleet, crew: Sequence[Station]) -> None:
    """Raise MachineError where a host is not ready, with a line for each thing it lacks."""
    found = [
        f"{station.host.name}: {complaint}"
        for number, station in enumerate(crew)
        for complaint in complaints(
            station.facts,
            station.addresses,
            need_of(plan, fleet, station.workers, master=number == 0),
        )
    ]
    found += clocks.complaints([station.host for station in crew])
    if found:
        raise MachineError("\n".join(found))


def _mb(count: int) -> str:
    return f"{count / 1e6:,.0f} MB"
