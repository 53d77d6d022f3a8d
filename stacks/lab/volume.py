"""A lab host's data volume: an ext4 file system of fixed size, in a file of this machine.

It can run full as a disk does, without filling the machine.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from stacks.lab.shell import run

if TYPE_CHECKING:
    from pathlib import Path

GB = 10**9


class Volume:
    """The volume of the host whose folder is `folder`; of size 0 there is none."""

    def __init__(self, folder: Path, gigabytes: int) -> None:
        """Name it; nothing is made."""
        self.place = folder / "volume"
        self._host = folder.name
        self._image = folder / "volume.ext4"
        self._bytes = gigabytes * GB

    def mount(self) -> None:
        """Mount the volume at `place`, made first where there is none."""
        if not self._bytes:
            return
        self.place.mkdir(exist_ok=True)
        if not self._image.exists():
            self._make()
        self._extend()
        # The kernel lets the loop device go with the mount.
        run("mount", "-o", "loop,noatime,nosuid,nodev", str(self._image), str(self.place))
        run("resize2fs", self._device())

    def grow(self) -> None:
        """Give the volume, mounted as it is, the size that it shall have; it loses nothing."""
        if not self._bytes:
            return
        self._extend()
        run("losetup", "--set-capacity", self._device())
        run("resize2fs", self._device())

    def _extend(self) -> None:
        """Give the file its size; its file system takes that up as soon as it is mounted."""
        there = self._image.stat().st_size
        if there > self._bytes:
            raise MachineError(
                f"{self._host}: volume_gb: {self._bytes // GB} is less than the {there // GB} that"
                " its volume has, which can only grow; raise it, or take the lab down for a new one"
            )
        os.truncate(self._image, self._bytes)

    def _device(self) -> str:
        return run("findmnt", "--noheadings", "--output=SOURCE", str(self.place)).strip()

    def _make(self) -> None:
        """Make the file system beside its place; its blocks are taken when they are written."""
        draft = self._image.with_suffix(".draft")
        with draft.open("wb") as file:
            file.truncate(self._bytes)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-L", "data", str(draft))
        draft.rename(self._image)
