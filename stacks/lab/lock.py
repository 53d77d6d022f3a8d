"""Locks that processes and threads hold on a lab's files, one at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from klokken.errors import MachineError
from stacks.lab.container import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

# The kernel's own list of locks (proc(5)): it is never out of date, and a full disk matters not.
LOCKS = Path("/proc/locks")
LONGEST_NAME = 80


@contextmanager
def lock(path: Path, patience: float) -> Iterator[None]:
    """Hold the lock at `path`.

    Raises MachineError that says who else does, when that one still does after `patience` s.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        if not wait_until(lambda: _taken(file), patience):
            raise MachineError(
                f"{path}: held by {_holder(file)}, and still so after {patience:g} s; wait for its"
                " end, or end it, then try again"
            )
        yield


def _taken(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(file: IO[str]) -> str:
    """Return the process that holds the lock on `file`, and its command line."""
    place = f":{os.fstat(file.fileno()).st_ino}"
    lines = [line.split() for line in LOCKS.read_text().splitlines()] if LOCKS.exists() else []
    for _, kind, _, _, pid, inode, *_ in (line for line in lines if "->" not in line):
        if kind == "FLOCK" and inode.endswith(place):
            command = b""
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            words = command.replace(b"\0", b" ").decode(errors="replace").strip()
            return f"process {pid} ({words[:LONGEST_NAME]})"
    return "another process"
