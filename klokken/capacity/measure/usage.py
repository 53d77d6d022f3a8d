"""What a site used over a stretch of time, by tier, process group and machine."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klokken.document import Document
from klokken.results import Seconds
from klokken.topology import Tier

# The share of a machine that others may take, hypervisor and neighbours alike.
MOST_FOREIGN = 0.10


class TierUse(Document):
    """All hosts of a tier: cores and resident bytes by process group, the rest a second.

    `connections` are TCP sockets in use, on average.
    """

    cpu: dict[str, Seconds]
    memory_bytes: dict[str, Seconds]
    connections: Seconds
    received_bytes: Seconds
    sent_bytes: Seconds

    @property
    def cores(self) -> float:
        """The CPU of all groups, in cores."""
        return sum(self.cpu.values())


class MachineUse(Document):
    """One machine, in cores: what it has, what of it was busy, stolen, and used by others.

    `foreign` is what no process of the site's hosts used: other programs, and the kernel's own
    threads. Disk figures are a second, of all its disks.
    """

    cores: Annotated[int, Field(ge=1)]
    busy: Seconds
    steal: Seconds
    foreign: Seconds
    disk_reads: Seconds
    disk_writes: Seconds
    disk_read_bytes: Seconds
    disk_written_bytes: Seconds


class Usage(Document):
    """What was used; `gaps` say what is not known of it, and make it unfit to reckon from.

    `begun` is when the main process of each host began, in Unix seconds.
    """

    tiers: dict[Tier, TierUse]
    machines: dict[str, MachineUse]
    begun: dict[str, float]
    gaps: list[str]

    @property
    def cores(self) -> float:
        """The CPU of all tiers, in cores."""
        return sum(tier.cores for tier in self.tiers.values())

    @property
    def taken(self) -> float:
        """The cores that others and the hypervisor took, of all machines."""
        return sum(machine.foreign + machine.steal for machine in self.machines.values())

    def others(self) -> list[str]:
        """Return a reason for each machine of which others took too much."""
        return [
            f"{name}: others used {machine.foreign:.2f} and the hypervisor took"
            f" {machine.steal:.2f} of {machine.cores} cores, limit {limit:.2f} together"
            for name, machine in self.machines.items()
            if machine.foreign + machine.steal > (limit := MOST_FOREIGN * machine.cores)
        ]
