"""Where a lab keeps its hosts on this machine, and the locks on it."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from klokken.paths import LABS
from stacks.lab.disk import free_bytes, require_free
from stacks.lab.lock import lock
from stacks.lab.mounts import delete
from stacks.lab.shell import run
from stacks.lab.volume import GB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# Seconds to wait for who else has one of a lab's hosts in hand.
LOCK_PATIENCE = 120
# What a host takes when it is installed, measured as 130 to 610 MB; an empty volume, 0.7 %.
HOST_BYTES = 6 * 10**8
EMPTY_SHARE = 0.01
# For logs and packages of hosts that are there already.
SPARE_BYTES = 5 * 10**8


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

    def make(self, volumes: Mapping[str, int]) -> None:
        """Make the folder and the key with which hosts are reached.

        `volumes` are the hosts that the lab is to have, and the size in GB of each one's volume.
        Raises MachineError where the disk has no room for those that are not there yet.
        """
        if os.geteuid() != 0:
            raise MachineError("a lab needs root, for containers and their network; run as root")
        self.hosts.mkdir(parents=True, exist_ok=True)
        self._require_room([gb for name, gb in volumes.items() if not self._has(name)])
        self.path.chmod(0o700)
        self.key.parent.mkdir(exist_ok=True)
        if not self.key.exists():
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "klokken", "-f", str(self.key))

    def _has(self, host: str) -> bool:
        return (self.hosts / host / "host.json").exists()

    def _require_room(self, volumes: Sequence[int]) -> None:
        """Raise MachineError unless new hosts with volumes of these sizes can be made."""
        whole = sum(volumes) * GB
        needed = SPARE_BYTES + len(volumes) * HOST_BYTES + int(whole * EMPTY_SHARE)
        require_free(self.path, needed, f"a lab with {len(volumes)} hosts to make")
        if (left := free_bytes(self.path) - needed) < whole:
            # Most labs never fill them, so it is no reason to refuse.
            print(  # noqa: T201 - Pulumi shows what a provider prints
                f"[lab] {self.path}: the data volumes may grow to {whole / GB:.0f} GB, and"
                f" {left / GB:.0f} GB will be free: watch this machine's disk",
                flush=True,
            )

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
