"""A lab host's data volume: an ext4 file system of fixed size, in a file of this machine.

It can run full as a disk does, without filling the machine.
"""

from __future__ import annotations

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
        # The kernel lets the loop device go with the mount.
        run("mount", "-o", "loop,noatime,nosuid,nodev", str(self._image), str(self.place))

    def require_size(self) -> None:
        """Raise MachineError where there is a volume of another size, which keeps what it has."""
        if not self._bytes or not self._image.exists():
            return
        there = self._image.stat().st_size
        if there != self._bytes:
            raise MachineError(
                f"{self._host}: volume_gb is {self._bytes // GB}, and its volume has"
                f" {there // GB} GB, which stay as they are; set it back, or take the lab down for"
                " another"
            )

    def _make(self) -> None:
        """Make the file system beside its place; its blocks are taken when they are written."""
        draft = self._image.with_suffix(".draft")
        with draft.open("wb") as file:
            file.truncate(self._bytes)
        run("mkfs.ext4", "-q", "-F", "-m", "0", "-L", "data", str(draft))
        draft.rename(self._image)
