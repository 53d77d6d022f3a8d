"""Mounts of the machine, taken away before a folder is deleted: never through them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from klokken.errors import MachineError
from stacks.lab.shell import run

MOUNTS = Path("/proc/self/mounts")


def delete(folder: Path) -> None:
    """Delete `folder` with all in it; raise MachineError where something of it stays."""
    detach(folder)
    if there := _mounted(folder):
        raise MachineError(f"{there[0]}: still mounted; unmount it, then try again")
    shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise MachineError(
            f"{error.filename}: cannot be deleted ({error.strerror}); mend that, then try again"
        ) from None


def unmount(folder: Path) -> None:
    """Unmount whatever is mounted at `folder` or below it, the innermost first."""
    for place in sorted(_mounted(folder), reverse=True):
        run("umount", place)


def detach(folder: Path) -> None:
    """Take away whatever is mounted at `folder` or below it, also while somebody stands in it.

    Only for what is not mounted again: whoever stands there keeps it until they leave.
    """
    for place in sorted(_mounted(folder), reverse=True):
        try:
            run("umount", place)
        except MachineError:
            run("umount", "--lazy", place)


def _mounted(folder: Path) -> list[str]:
    lines = MOUNTS.read_text(encoding="utf-8").splitlines()
    places = [_plain(line.split()[1]) for line in lines]
    return [place for place in places if Path(place).is_relative_to(folder)]


def _plain(escaped: str) -> str:
    """Undo the octal escapes with which the kernel writes spaces in mount points (proc(5))."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), escaped)
