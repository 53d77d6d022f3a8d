"""Where a lab keeps its hosts on this machine, and the locks on it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from klokken.paths import LABS
from stacks.lab.lock import lock
from stacks.lab.mounts import delete
from stacks.lab.shell import run

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds to wait for who else has one of a lab's hosts in hand.
LOCK_PATIENCE = 120
# Five small hosts and their packages take 4 GB; less would end in the middle.
LEAST_FREE_BYTES = 5 * 10**9


class LabFolder:
    """The folder of one lab: its SSH key, its hosts' data and who they are."""

    def __init__(self, stack: str) -> None:
        """Name the folder of `stack`; nothing is made."""
        self.stack = stack
        self.path = LABS / stack
        self.hosts = self.path / "hosts"
        self.key = self.path / "ssh" / "id_ed25519"
        self.known_hosts = self.path / "ssh" / "known_hosts"

    def exists(self) -> bool:
        """Say whether the lab has a folder with its key."""
        return self.key.exists()

    def make(self) -> None:
        """Make the folder and the key with which hosts are reached."""
        if os.geteuid() != 0:
            raise MachineError("a lab needs root, for containers and their network; run as root")
        self.hosts.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(self.path).free
        if free < LEAST_FREE_BYTES:
            raise MachineError(
                f"{self.path}: {free / 1e9:.1f} GB free, a lab needs "
                f"{LEAST_FREE_BYTES / 1e9:.0f} GB; free some space"
            )
        self.path.chmod(0o700)
        self.key.parent.mkdir(exist_ok=True)
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "klokken", "-f", str(self.key))

    def collect_known_hosts(self) -> None:
        """Write one known_hosts file from the keys that the hosts were given."""
        with self.lock("known_hosts"):
            lines = [path.read_text() for path in sorted(self.hosts.glob("*/known_host"))]
            draft = self.known_hosts.with_suffix(".new")
            draft.write_text("".join(lines))
            draft.rename(self.known_hosts)

    def remove(self) -> None:
        """Delete the folder with all data in it."""
        delete(self.path)
        if LABS.exists() and not any(LABS.iterdir()):
            LABS.rmdir()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Hold the lock `name` of this lab; other processes and threads wait."""
        with lock(self.path / f".{name}.lock", LOCK_PATIENCE):
            yield
