"""A lab host's data volume: an ext4 file system of fixed size, in a file of this machine.

It can run full as a disk does, without filling the machine.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from stacks.lab.container import wait_until
from stacks.lab.shell import run

if TYPE_CHECKING:
    from pathlib import Path

GB = 10**9
# Seconds in which the kernel lets a loop device go whose file system was unmounted.
RELEASE = 20.0
# Seconds for a file system to be checked and to grow.
RESIZING = 300.0
# `e2fsck` ends with 1 when it has repaired something, as it may after a crash.
CHECK = 'e2fsck -f -p "$0" || [ $? -eq 1 ]'


class Volume:
    """The volume of the host whose folder is `folder`; of size 0 there is none."""

    def __init__(self, folder: Path, gigabytes: int) -> None:
        """Name it; nothing is made."""
        self.place = folder / "volume"
        self._host = folder.name
        self._image = folder / "volume.ext4"
        self._bytes = gigabytes * GB

    def mount(self) -> None:
        """Mount the volume at `place`, made or grown first where it must be."""
        if not self._bytes:
            return
        self.place.mkdir(exist_ok=True)
        if not self._image.exists():
            self._make()
        elif self.is_short():
            self._grow()
        # The kernel lets the loop device go with the mount.
        run("mount", "-o", "loop,noatime,nosuid,nodev", str(self._image), str(self.place))

    def is_short(self) -> bool:
        """Say whether the file system has less room than it shall; it grows while nobody has it.

        Raises MachineError where it has more: it never shrinks.
        """
        if not self._bytes or not self._image.exists():
            return False
        there = self._image.stat().st_size
        if there > self._bytes:
            raise MachineError(
                f"{self._host}: volume_gb: {self._bytes // GB} is less than the"
                f" {round(there / GB)} that its volume has, which can only grow; raise it, or take"
                " the lab down for a new one"
            )
        facts = dict(re.findall(r"^Block (count|size): +(\d+)$", self._told(), re.MULTILINE))
        block = int(facts["size"])
        return int(facts["count"]) < self._bytes // block

    def _told(self) -> str:
        return run("dumpe2fs", "-h", str(self._image))

    def _grow(self) -> None:
        """Give the file system its size, unmounted: the kernel lets not every root do it in use."""
        if not wait_until(lambda: not self._devices(), RELEASE):
            raise MachineError(
                f"{self._host}: its volume is still in use at {self._devices()}; unmount it, then"
                " try again"
            )
        os.truncate(self._image, self._bytes)
        run("sh", "-c", CHECK, str(self._image), timeout=RESIZING)
        run("resize2fs", str(self._image), timeout=RESIZING)

    def _devices(self) -> str:
        """Return the loop devices that the volume is at."""
        listed = run("losetup", "--noheadings", "--output", "NAME", "-j", str(self._image))
        return ", ".join(listed.split())

    def _make(self) -> None:
        """Make the file system beside its place; its blocks are taken when they are written."""
        draft = self._image.with_suffix(".draft")
        with draft.open("wb") as file:
            file.truncate(self._bytes)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-L", "data", str(draft))
        draft.rename(self._image)
