"""A cloud on this machine: every server that the double of Hetzner's API sells is a real host.

How its networks stand for Hetzner's:

- The bridge is what is public. A server's public IPv4 address is the one that its host is booted
  with, and the only one that this machine, the administrator's, can reach. IPv6 addresses are
  records.
- The private network, which is of RFC 1918 as Hetzner wants it, is a second range on the bridge.
  A host gets its address there when its server is attached. This machine has none in it and no
  route to it, so hosts alone reach one another by it. Hetzner gives a server an interface for
  it; no role asks which interface an address is at.
- Hetzner's firewalls are records: they were never all that filters, the hosts' nftables are.

A volume is a block device of this machine that the host finds by the name that Hetzner gives it.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from stacks.lab.shell import run
from stacks.lab.volume import GB
from tests.doubles.hetzner.machines import Machines, Ordered
from tests.lab.bare import BareHosts

if TYPE_CHECKING:
    from ipaddress import IPv4Interface

CLOUD = "cloud"
NETWORK = "198.18.10.0/24"
GATEWAY = "198.18.10.1"
# Those that are for sale.
ADDRESSES = [f"198.18.10.{number}" for number in range(21, 61)]
# What a first boot does with the keys that were ordered. The one that the host was made with
# stays: by it the cloud plugs in what is attached to a server that runs.
LET_IN = """
cat >> /root/.ssh/authorized_keys <<'KEYS'
{keys}
KEYS
"""
# Beside the file that the host was given, so that the address outlives a restart.
JOIN = """
install -d /etc/systemd/network/10-lab.network.d
printf '[Network]\\nAddress={address}\\n' > /etc/systemd/network/10-lab.network.d/private.conf
systemctl reload systemd-networkd.service
for try in $(seq 100); do
  if ip -4 -oneline address | grep -qF ' {address} '; then exit 0; fi
  sleep 0.1
done
echo '{address} is not there' >&2
exit 1
"""
# A container sees the devices of the machine that it is given a node of.
PLUG = """
mkdir -p {folder}
[ -e {node} ] || mknod -m 660 {node} b {major} {minor}
ln -sf {node} {device}
"""


class Cloud(Machines):
    """The hosts and disks behind a project's servers and volumes."""

    def __init__(self) -> None:
        super().__init__()
        self.bare = BareHosts(CLOUD, NETWORK)
        self._free = iter(ADDRESSES)
        self._booted: dict[str, str] = {}
        self._disks = self.bare.folder.path / "disks"
        # As many at once as boot well on two cores.
        self._workers = ThreadPoolExecutor(2)

    def open(self) -> None:
        """Make what hosts stand on."""
        self.bare.prepare({})
        self._disks.mkdir()

    def running(self) -> set[str]:
        """Return the names of the servers whose hosts run."""
        there = self._booted.items()
        return {name for name, address in there if self.bare.host(name, address).running()}

    def close(self) -> None:
        """Take everything away that was ordered, whether it was given back or not."""
        self._workers.shutdown()
        for disk in self._disks.glob("*"):
            self.discard(disk.name)
        self.bare.remove()

    def address(self) -> str:
        return next(self._free)

    def boot(self, server: Ordered) -> Future[None]:
        self._booted[server.name] = server.address
        return self._workers.submit(self._boot, server)

    def join(self, server: str, inside: IPv4Interface) -> Future[None]:
        return self._workers.submit(self._tell, server, JOIN.format(address=inside))

    def attach(self, server: str, device: str, gigabytes: int) -> Future[None]:
        return self._workers.submit(self._attach, server, device, gigabytes)

    def remove(self, server: str) -> Future[None] | None:
        if address := self._booted.pop(server, None):
            return self._workers.submit(self.bare.host(server, address).remove)
        return None

    def discard(self, device: str) -> None:
        disk = self._disk(device)
        if disk.exists():
            # Where a host has it mounted still, the kernel waits for the end of that.
            for node in _nodes(disk):
                run("losetup", "--detach", node)
            disk.unlink()

    def _boot(self, server: Ordered) -> None:
        self.bare.host(server.name, server.address).ensure()
        self._tell(server.name, LET_IN.format(keys="\n".join(server.keys)))

    def _tell(self, server: str, script: str) -> None:
        self.bare.tell(server, self._booted[server], script)

    def _attach(self, server: str, device: str, gigabytes: int) -> None:
        disk = self._disk(device)
        if not disk.exists():
            _format(disk, gigabytes)
        if not _nodes(disk):
            run("losetup", "--find", str(disk))
        (node,) = _nodes(disk)
        number = Path(node).stat().st_rdev
        script = PLUG.format(
            folder=Path(device).parent,
            node=node,
            major=os.major(number),
            minor=os.minor(number),
            device=device,
        )
        self._tell(server, script)

    def _disk(self, device: str) -> Path:
        return self._disks / Path(device).name


def _format(disk: Path, gigabytes: int) -> None:
    """Make a volume as it was ordered; its blocks are taken when they are written."""
    with disk.open("wb") as file:
        file.truncate(gigabytes * GB)
    run("mkfs.ext4", "-q", "-F", "-m", "0", str(disk))


def _nodes(disk: Path) -> list[str]:
    """Return the block devices that a disk is at: one, or none."""
    return run("losetup", "--noheadings", "--output", "NAME", "--associated", str(disk)).split()
