"""The two cells that are compared, and what is read on their hosts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.capacity.measure.accounts import spaces
from klokken.errors import InputError, MachineError
from klokken.remote import Remote
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.inventory import Inventory

DIRECTORIES = ("slapd", "embedded")
# Fields 14 and 15 are utime and stime, of all threads; proc(5). The drive is one process.
_CPU = (
    "cat /proc/[0-9]*/stat 2>/dev/null"
    " | awk '$2 ~ /^\\((ocis|opencloud|slapd)\\)$/ { n++; s += $14 + $15 }"
    " END { print n + 0, s + 0 }';"
    " getconf CLK_TCK"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """A drive cell by its number, the directory that it has, and its host."""

    number: int
    directory: str
    host: Remote

    def cpu_seconds(self) -> float:
        """Return the CPU that drive and slapd have used since they started; or MachineError."""
        said = self.host.run(["sh", "-c", _CPU], root=True).split()
        try:
            processes, ticks, a_second = (int(float(word)) for word in said)
        except ValueError:
            raise MachineError(f"{self.host.name}: says {said} of its processes") from None
        if not processes:
            raise MachineError(f"{self.host.name}: no drive runs there")
        return ticks / a_second

    def accounts(self) -> int:
        """Return how many people have a space of their own in this cell."""
        return spaces(self.host)


def cells(inventory: Inventory) -> list[Cell]:
    """Return the first cell with slapd and the first with the embedded directory.

    Raises InputError where the stack has not both.
    """
    group = inventory.all.children.get(Tier.DRIVE)
    found: dict[str, Cell] = {}
    for number, host in enumerate(Remote.of(inventory, Tier.DRIVE), 1):
        own = (group.hosts[host.name].model_extra or {}) if group else {}
        variables = {**(group.vars if group else {}), **own}
        directory = str(variables.get("drive_directory", "slapd"))
        found.setdefault(directory, Cell(number, directory, host))
    if not all(directory in found for directory in DIRECTORIES):
        raise InputError(
            f"stack {inventory.site.site_stack}",
            "tiers.drive",
            "has not both directories",
            "set `drive: {count: 2, hosts: {drive2: {drive_directory: embedded}}}` and bring it up",
        )
    return [found[directory] for directory in DIRECTORIES]
