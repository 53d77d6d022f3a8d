"""What processes cost: CPU to the nanosecond as the scheduler counts it, and memory."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_PROC = Path("/proc")


def cpu_seconds(roots: Iterable[int], proc: Path = _PROC) -> float:
    """Return the CPU that the processes `roots` and all below them have used until now."""
    return sum(_scheduled(pid, proc) for pid in _family(roots)) / 1e9


def memory_bytes(roots: Iterable[int]) -> int:
    """Return the memory of the processes `roots` and all below them, shared pages in parts."""
    total = 0
    for pid in _family(roots):
        with suppress(psutil.NoSuchProcess):
            total += psutil.Process(pid).memory_full_info().pss
    return total


def _scheduled(pid: int, proc: Path) -> int:
    """Return the nanoseconds that the threads of a process have run."""
    total = 0
    for path in (proc / str(pid) / "task").glob("*/schedstat"):
        with suppress(OSError):
            total += int(path.read_text().split()[0])
    return total


def _family(roots: Iterable[int]) -> Iterator[int]:
    for root in roots:
        yield root
        with suppress(psutil.NoSuchProcess):
            yield from (child.pid for child in psutil.Process(root).children(recursive=True))
