"""What a lab may leave on a machine, read from the machine itself."""

from __future__ import annotations

import re
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at, not written to
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
PROCESSES = Path("/proc")
# Seconds between two looks at the machine's processes.
EVERY = 0.2
# A process that is seen for the first time may yet become another program.
LOOKS = 2


def printed(*argv: str, stdin: str | None = None) -> str:
    """Return what a program prints."""
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=True).stdout


def command_lines(without: Sequence[int] = ()) -> dict[int, str]:
    """Return the command line of every process of the machine, lab hosts' included."""
    found = {}
    for pid in process_ids() - set(without):
        try:
            line = (PROCESSES / str(pid) / "cmdline").read_bytes()
        except OSError:
            continue
        found[pid] = line.replace(b"\0", b" ").decode(errors="replace")
    return found


def process_ids() -> set[int]:
    """Return the ids of all processes of the machine."""
    return {int(path.name) for path in PROCESSES.iterdir() if path.name.isdigit()}


class Watch:
    """Every command line that the machine has had while it was watched."""

    def __init__(self) -> None:
        self.lines: set[str] = set()
        self._looks: dict[int, int] = {}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Look at the machine's processes, those that are new, for as long as held."""
        over = threading.Event()

        def look() -> None:
            while not over.wait(EVERY):
                self._look()

        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _look(self) -> None:
        there = process_ids()
        self._looks = {pid: self._looks.get(pid, 0) + 1 for pid in there}
        known = [pid for pid, looks in self._looks.items() if looks > LOOKS]
        self.lines |= set(command_lines(without=known).values())


def holding(folder: Path, needles: Sequence[str], without: Sequence[str] = ()) -> list[str]:
    """Return the files below `folder` that have one of `needles` in them.

    Folders called one of `without` are passed over.
    """
    argv = ["grep", "-rlF", "-f", "-", *(f"--exclude-dir={name}" for name in without), str(folder)]
    done = subprocess.run(
        argv, input="\n".join(needles), capture_output=True, text=True, check=False
    )
    # Grep says 1 when it finds nothing.
    assert done.returncode in {0, 1}, done.stderr
    return done.stdout.splitlines()


def processes(*words: str) -> list[str]:
    """Return the command lines in which all `words` occur."""
    return [line for line in command_lines().values() if all(word in line for word in words)]


def state(stack: str) -> dict[str, Any]:
    """Return everything of the machine that a lab called `stack` could have touched."""
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    routes = printed("ip", "-4", "route", "show", "table", "all").splitlines()
    return {
        "containers": processes("systemd-nspawn", f"--machine={stack}-"),
        "playbooks": processes("ansible-playbook", f"-{stack}-"),
        "mounts": [line for line in mounts if f"/klokken/{stack}/" in line],
        "links": sorted(re.findall(r"^\d+: ([^:@]+)", printed("ip", "-o", "link"), re.MULTILINE)),
        "routes": sorted(line.strip() for line in routes),
        "tables": printed("nft", "list", "tables"),
        "groups": sorted(str(path) for path in Path("/sys/fs/cgroup").glob(f"**/klokken/{stack}")),
        "folder": Path("/var/lib/klokken", stack).exists(),
        "shared memory": sorted(path.name for path in SHARED_MEMORY.glob(f"*-{stack}-*")),
        "forwarding": FORWARD.read_text(),
    }
