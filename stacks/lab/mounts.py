"""Mounts of the machine, taken away before a folder is deleted: never through them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from stacks.lab.shell import run

MOUNTS = Path("/proc/self/mounts")


def delete(folder: Path) -> None:
    """Delete `folder` with all in it; raise MachineError while something is mounted there."""
    unmount(folder)
    shutil.rmtree(folder, ignore_errors=True)


def unmount(folder: Path) -> None:
    """Unmount whatever is mounted at `folder` or below it, the innermost first."""
    for place in sorted(_mounted(folder), reverse=True):
        run("umount", place)


def _mounted(folder: Path) -> list[str]:
    lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    places = [_plain(line.split()[1]) for line in lines]
    return [place for place in places if Path(place).is_relative_to(folder)]


def _plain(escaped: str) -> str:
    """Undo the octal escapes with which the kernel writes spaces in mount points (proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), escaped)
