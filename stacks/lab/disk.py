"""Whether a disk of this machine has room for what is about to be made."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from klokken.errors import MachineError

if TYPE_CHECKING:
    from pathlib import Path


def free_bytes(folder: Path) -> int:
    """Return what is free on the disk of `folder`."""
    return shutil.disk_usage(folder).free


def require_free(folder: Path, needed: int, what: str) -> None:
    """Raise MachineError unless `folder` has the bytes free that `what` needs."""
    free = free_bytes(folder)
    if free < needed:
        raise MachineError(
            f"{folder}: {free / 1e9:.1f} GB free, {what} needs {needed / 1e9:.1f} GB;"
            " free some space"
        )
