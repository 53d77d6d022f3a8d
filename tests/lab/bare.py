"""Hosts of this machine that no stack has made: what servers, and a cloud, are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.remote import Remote
from stacks.lab.folder import LabFolder
from stacks.lab.host import HostSpec, LabHost
from stacks.lab.image import ensure_image, image_key
from stacks.lab.network import LabNetwork
from stacks.lab.shell import run
from stacks.lab.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Seconds for a script on a host that has just been booted, beside others that are.
PATIENCE = 300


class BareHosts:
    """Debian systems on a network of their own, under the name of whoever owns them."""

    def __init__(self, owner: str, network: str) -> None:
        self.owner = owner
        self.folder = LabFolder(owner)
        self.network = LabNetwork(owner, network)

    def prepare(self, volumes: Mapping[str, int]) -> None:
        """Make what hosts stand on; `volumes` are those to come, with the size of each's volume."""
        self.folder.make(volumes)
        ensure_image(image_key())
        self.network.make()

    def host(self, name: str, address: str, volume_gb: int = 0) -> LabHost:
        """Return a host, as who owns the machine has it."""
        return LabHost(
            HostSpec(
                stack=self.owner,
                name=name,
                address=address,
                network=str(self.network.network),
                image=image_key(),
                volume_gb=volume_gb,
            )
        )

    def tell(self, name: str, address: str, script: str) -> None:
        """Have a host run a shell script as root, let in by the key it was made with."""
        known = f"-o UserKnownHostsFile={self.folder.known_hosts}"
        host = Remote(name, address, self.folder.key, known)
        host.run(["sh", "-eus"], given=script.encode(), timeout=PATIENCE)

    def remove(self) -> None:
        """Take everything away, however much of it there is."""
        sweep(self.owner)


def make_key(path: Path) -> str:
    """Make an SSH key at `path`, and return its public half."""
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path))
    return path.with_name(path.name + ".pub").read_text().strip()
