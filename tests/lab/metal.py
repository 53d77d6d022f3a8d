"""Hosts that exist without the stack that is to use them: Debian systems booted apart from it.

The stack is told their addresses and given an SSH key, as for servers in a basement.
"""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import yaml

from klokken.paths import PROJECT, site_folder
from klokken.stackconfig import config_path
from klokken.topology import Tier
from stacks.lab.folder import LabFolder
from stacks.lab.host import HostSpec, LabHost
from stacks.lab.image import ensure_image, image_key
from stacks.lab.network import LabNetwork
from stacks.lab.sweep import sweep
from tests.lab import machine
from tests.lab.laboratory import KLOKKEN, LONGEST

if TYPE_CHECKING:
    from collections.abc import Sequence

METAL = "metal"
STACK = "kommune"
NETWORK = "198.18.9.0/24"
GATEWAY = "198.18.9.1"
USER = "drift"
# One host has its SSH elsewhere, as some administrators like it.
UNUSUAL, UNUSUAL_PORT = "metrics1", 2222
# What an administrator does once on a new server: an account with sudo, and a name of its own.
PREPARE = """
set -e
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


class Metal:
    """The hosts, and the stack that is to use them."""

    def __init__(self) -> None:
        self.before = machine.state(METAL)
        self.folder = LabFolder(METAL)
        self.network = LabNetwork(METAL, NETWORK)
        self.addresses = {f"{tier}1": f"198.18.9.{n}" for n, tier in enumerate(Tier, 21)}
        self.key = self.folder.path / "administrator"

    def boot(self) -> None:
        """Make the hosts, each with its account and its own name."""
        self.folder.make({name: self._volume(name) for name in self.addresses})
        machine.printed("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.key))
        ensure_image(image_key())
        self.network.make()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._boot, self.addresses))

    def _boot(self, name: str) -> None:
        self.host(name).ensure()
        public = self.key.with_suffix(".pub").read_text().strip()
        more = OTHER_PORT if name == UNUSUAL else ""
        script = PREPARE.format(user=USER, key=public, own=f"srv-{name[:4]}", more=more)
        reach = ["-i", str(self.folder.key), "-o", f"UserKnownHostsFile={self.folder.known_hosts}"]
        argv = ["ssh", *reach, f"root@{self.addresses[name]}", "sh -s"]
        subprocess.run(argv, input=script, text=True, check=True)

    def host(self, name: str) -> LabHost:
        """Return one of the hosts, as who owns the machine has it."""
        spec = {"stack": METAL, "name": name, "address": self.addresses[name]}
        more = {"network": NETWORK, "image": image_key(), "volume_gb": self._volume(name)}
        return LabHost(HostSpec.model_validate(spec | more))

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
        sweep(METAL)
        config_path(STACK).unlink(missing_ok=True)
        for path in (site_folder(STACK) / name for name in ("hosts.yml", "known_hosts")):
            path.unlink(missing_ok=True)
        if site_folder(STACK).exists():
            site_folder(STACK).rmdir()

    def klokken(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; its output stands in the test's own."""
        done = subprocess.run(
            [KLOKKEN, *arguments],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        print(done.stdout)  # noqa: T201 - for who has to find out why a test failed
        return done

    def configure(self, **changes: Any) -> None:
        """Write the stack's config, or change top-level values of it."""
        path = config_path(STACK)
        content = yaml.safe_load(path.read_text()) if path.exists() else {"config": {}}
        content["config"] |= {f"klokken:{key}": value for key, value in changes.items()}
        path.write_text(yaml.safe_dump(content, sort_keys=False))

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
