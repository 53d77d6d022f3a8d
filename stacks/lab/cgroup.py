"""Control groups of a lab host: its share of the CPU, and who its processes are.

On a machine with cgroup v1 a host has a group in each hierarchy it needs; with v2 it has one.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from klokken.errors import MachineError

ROOT = Path("/sys/fs/cgroup")
# cpu.shares counts from 1024, cpu.weight from 100; a host's weight is a multiple of either.
V1_SHARES = 1024
V2_WEIGHT = 100
LABS = Path("klokken")
# All labs together, beside what else the machine does: a storm shall measure the platform, and
# not the programs of whoever waits for it.
LABS_WEIGHT = 8
# "systemd" and "unified" keep nspawn's own subgroups apart host by host.
V1_HIERARCHIES = ("cpu", "cpuacct", "systemd", "unified")


def is_v2() -> bool:
    """Say whether the machine has cgroup v2 only."""
    return (ROOT / "cgroup.controllers").exists()


class Cgroup:
    """The control groups of one host."""

    def __init__(self, stack: str, name: str) -> None:
        """Name the groups; nothing is made."""
        self._tail = LABS / stack / name

    def folders(self) -> list[Path]:
        """Return the host's group in each hierarchy."""
        if is_v2():
            return [ROOT / self._tail]
        return [ROOT / h / self._tail for h in V1_HIERARCHIES if (ROOT / h).is_dir()]

    def make(self) -> None:
        """Make the groups."""
        for folder in self.folders():
            folder.mkdir(parents=True, exist_ok=True)
        if is_v2():
            for parent in (ROOT, ROOT / LABS, (ROOT / self._tail).parent):
                _share_cpu(parent)

    def weigh(self, weight: int) -> None:
        """Give the host `weight` times the ordinary share of the CPU when it is scarce."""
        _weigh(LABS, LABS_WEIGHT)
        _weigh(self._tail, weight)

    def processes(self) -> set[int]:
        """Return the ids of all processes of the host."""
        found: set[int] = set()
        for folder in self.folders():
            for group in _with_subgroups(folder):
                with suppress(OSError):
                    found |= {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
        return found

    def kill(self, timeout: float = 20) -> None:
        """Kill every process of the host and wait until none is left."""
        end = time.monotonic() + timeout
        while pids := self.processes():
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > end:
                raise MachineError(f"{self._tail}: processes {sorted(pids)} cannot be killed")
            time.sleep(0.05)

    def remove(self) -> None:
        """Remove the groups, and their parents once these are empty."""
        for folder in self.folders():
            for path in [*reversed(_with_subgroups(folder)), *list(folder.parents)[:2]]:
                # A parent that other hosts still use stays; what is gone is gone.
                with suppress(OSError):
                    path.rmdir()


def _share_cpu(group: Path) -> None:
    """Let the groups below share the CPU by weight; cgroup v2 asks for it level by level."""
    try:
        (group / "cgroup.subtree_control").write_text("+cpu")
    except OSError as error:
        raise MachineError(
            f"{group}: gives its groups no share of the CPU ({error.strerror}); free the"
            " controller cpu, which a hierarchy of cgroup v1 may hold, then `up` again"
        ) from None


def _weigh(group: Path, weight: int) -> None:
    if is_v2():
        (ROOT / group / "cpu.weight").write_text(str(weight * V2_WEIGHT))
    else:
        (ROOT / "cpu" / group / "cpu.shares").write_text(str(weight * V1_SHARES))


def _with_subgroups(folder: Path) -> list[Path]:
    """Return a group and those below it, parents first; groups that vanish meanwhile are left out.

    `os.walk`, unlike a glob, does not stop at a folder that has just gone.
    """
    return [Path(group) for group, _, _ in os.walk(folder)]
