"""Hosts that exist without the stack that is to use them: Debian systems booted apart from it.

The stack is told their addresses and given an SSH key, as for servers in a basement.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import yaml

from klokken.paths import site_folder
from klokken.stackconfig import config_path
from klokken.topology import Tier
from tests.lab import machine
from tests.lab.bare import BareHosts, make_key
from tests.lab.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stacks.lab.host import LabHost

METAL = "metal"
STACK = "kommune"
NETWORK = "198.18.9.0/24"
GATEWAY = "198.18.9.1"
USER = "drift"
# One host has its SSH elsewhere, as some administrators like it.
UNUSUAL, UNUSUAL_PORT = "metrics1", 2222
# What an administrator does once on a new server: an account with sudo, and a name of its own.
PREPARE = """
useradd --create-home --shell /bin/bash {user}
install -d -m 700 -o {user} -g {user} /home/{user}/.ssh
echo '{key}' > /home/{user}/.ssh/authorized_keys
chown {user}: /home/{user}/.ssh/authorized_keys
echo '{user} ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/{user}
echo {own} > /etc/hostname
hostname {own}
printf '127.0.0.1 localhost\\n127.0.1.1 {own}\\n' > /etc/hosts
rm /root/.ssh/authorized_keys
# The image of lab hosts has these already; a server of one's own has not.
dpkg --purge prometheus-node-exporter prometheus-process-exporter >/dev/null
{more}
"""
OTHER_PORT = f"""
echo 'Port {UNUSUAL_PORT}' > /etc/ssh/sshd_config.d/00-port.conf
systemctl restart ssh
"""


class Metal(Stack):
    """The hosts, and the stack that is to use them."""

    def __init__(self) -> None:
        super().__init__(STACK)
        self.before = machine.state(METAL)
        self.bare = BareHosts(METAL, NETWORK)
        self.addresses = {f"{tier}1": f"198.18.9.{n}" for n, tier in enumerate(Tier, 21)}
        self.key = self.bare.folder.path / "administrator"

    def boot(self) -> None:
        """Make the hosts, each with its account and its own name."""
        self.bare.prepare({name: self._volume(name) for name in self.addresses})
        public = make_key(self.key)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(partial(self._boot, public), self.addresses))

    def _boot(self, public: str, name: str) -> None:
        self.host(name).ensure()
        more = OTHER_PORT if name == UNUSUAL else ""
        script = PREPARE.format(user=USER, key=public, own=f"srv-{name[:4]}", more=more)
        self.bare.tell(name, self.addresses[name], script)

    def host(self, name: str) -> LabHost:
        """Return one of the hosts, as who owns the machine has it."""
        return self.bare.host(name, self.addresses[name], self._volume(name))

    def _volume(self, name: str) -> int:
        return 2 if name.startswith("drive") else 0

    def ssh(self, name: str, command: str, given: bytes = b"") -> str:
        """Return what a command prints on a host, for its administrator."""
        port = UNUSUAL_PORT if name == UNUSUAL else 22
        known = f"UserKnownHostsFile={site_folder(STACK)}/known_hosts"
        reach = ["-i", str(self.key), "-p", str(port), "-o", known, "-o", "BatchMode=yes"]
        argv = ["ssh", *reach, f"{USER}@{self.addresses[name]}", command]
        return subprocess.run(argv, input=given, capture_output=True, check=True).stdout.decode()

    def remove(self) -> None:
        """Take the hosts and all traces of the stack away."""
        if config_path(STACK).exists():
            self.klokken("down", STACK)
        self.bare.remove()
        config_path(STACK).unlink(missing_ok=True)
        for path in (site_folder(STACK) / name for name in ("hosts.yml", "known_hosts")):
            path.unlink(missing_ok=True)
        if site_folder(STACK).exists():
            site_folder(STACK).rmdir()

    def list_hosts(self, names: Sequence[str] = (), **changes: dict[str, Any]) -> None:
        """Write the list of hosts, as a person would; `changes` are of single hosts."""
        hosts: dict[str, dict[str, Any]] = {
            name: {"address": self.addresses[name]} for name in names or self.addresses
        }
        hosts[UNUSUAL]["port"] = UNUSUAL_PORT
        for name, change in changes.items():
            hosts[name] |= change
        content = {
            "ssh": {"user": USER, "key": str(self.key)},
            "management": [f"{GATEWAY}/32"],
            "hosts": hosts,
        }
        site_folder(STACK).mkdir(parents=True, exist_ok=True)
        (site_folder(STACK) / "hosts.yml").write_text(yaml.safe_dump(content, sort_keys=False))
