"""What a load generator's host says of itself before a storm."""

from __future__ import annotations

import math
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken import loadgen
from klokken.errors import InputError, MachineError
from klokken.remote import Remote
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.inventory import Inventory

# A limit that systemd calls infinity.
UNLIMITED = 2**63
# The seconds of the units in which systemd tells a span of time.
_SPANS = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
    "w": 604_800.0,
    "month": 2_629_800.0,
    "y": 31_557_600.0,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """One host: its cores, kernel limits and free room, and whether a storm is being rung there.

    `ports` are the source ports of one address; `conntrack` is how many more connections
    netfilter can follow, None where it follows none. A storm's unit is ended after
    `unit_seconds`.
    """

    cores: int
    ports: int
    open_files: int
    unit_seconds: float
    conntrack: int | None
    memory_bytes: int
    disk_bytes: int
    addresses: frozenset[str]
    busy: bool


# Run with the folder of runs as its argument.
_SCRIPT = f"""
echo cores $(nproc)
echo ports $(cat /proc/sys/net/ipv4/ip_local_port_range)
echo files $(systemctl show -p LimitNOFILE --value {loadgen.worker(1)})
echo limit $(systemctl show -p RuntimeMaxUSec --value {loadgen.worker(1)})
cd /proc/sys/net/netfilter 2>/dev/null && echo conntrack $(cat nf_conntrack_max nf_conntrack_count)
echo memory $(sed -n 's/^MemAvailable: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)
echo disk $(stat -f -c '%a %S' "$1")
echo addresses $(hostname -I)
echo busy $(systemctl list-units --plain --no-legend --state=active,activating \\
  {loadgen.MASTER} 'klokken-worker@*')
"""


def gather(inventory: Inventory) -> list[tuple[Remote, Facts]]:
    """Return every load generator and its facts, in the inventory's order.

    Raises InputError where there is none, and MachineError where one does not answer.
    """
    hosts = Remote.of(inventory, Tier.LOADGEN)
    if not hosts:
        raise InputError("inventory", "loadgen", "has no host", "give the tier one")
    with ThreadPoolExecutor(len(hosts)) as pool:
        return list(zip(hosts, pool.map(_of, hosts), strict=True))


def _of(host: Remote) -> Facts:
    try:
        return parsed(host.run(["sh", "-s", loadgen.RUNS], given=_SCRIPT.encode(), check=False))
    except (KeyError, ValueError):
        raise MachineError(
            f"{host.name}: says nothing usable of itself; `klokken check` shows what is amiss"
        ) from None


def parsed(told: str) -> Facts:
    """Return the facts in what a host told; raise KeyError or ValueError where some are missing."""
    lines = (line.split() for line in told.splitlines() if line.strip())
    said = {name: values for name, *values in lines}
    low, high = _numbers(said["ports"])
    free, block = _numbers(said["disk"])
    (cores,), (files,), (memory,) = (_numbers(said[n]) for n in ("cores", "files", "memory"))
    follows = _numbers(said.get("conntrack", []))
    return Facts(
        cores=cores,
        ports=high - low + 1,
        open_files=files,
        unit_seconds=_span(said["limit"]),
        conntrack=follows[0] - follows[1] if len(follows) > 1 else None,
        memory_bytes=memory * 1024,
        disk_bytes=free * block,
        addresses=frozenset(said["addresses"]),
        busy=bool(said["busy"]),
    )


def _numbers(values: Sequence[str]) -> list[int]:
    return [UNLIMITED if value == "infinity" else int(value) for value in values]


def _span(values: Sequence[str]) -> float:
    """Return the seconds of a span as systemd tells it, such as `1h 30min` or `infinity`."""
    if list(values) == ["infinity"]:
        return math.inf
    parts = [re.fullmatch(r"(\d+(?:\.\d+)?)([a-z]+)", value) for value in values]
    found = [float(part[1]) * _SPANS[part[2]] for part in parts if part]
    if len(found) != len(values) or not found:
        raise ValueError(f"{' '.join(values)!r} is no span of time")
    return sum(found)
