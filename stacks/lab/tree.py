"""What a new lab host finds on its disk before it boots for the first time."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from stacks.lab.network import LabNetwork
from stacks.lab.shell import run
from stacks.lab.sources import machine_sources

if TYPE_CHECKING:
    from stacks.lab.folder import LabFolder
    from stacks.lab.host import HostSpec

# Where systemd-resolved lists the real name servers, when resolv.conf names only itself.
RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def furnish(root: Path, spec: HostSpec, lab: LabFolder) -> None:
    """Write name, address, name server, package sources and SSH keys into the tree at `root`."""
    network = LabNetwork(spec.stack, spec.network)
    etc = root / "etc"
    (etc / "hostname").write_text(spec.name + "\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
    (etc / "machine-id").write_text(uuid.uuid4().hex + "\n")
    (etc / "resolv.conf").write_text(_name_servers())
    (etc / "systemd/network/10-lab.network").write_text(
        "[Match]\nName=host0\n\n"
        f"[Network]\nAddress={spec.address}/{network.network.prefixlen}\n"
        f"Gateway={network.gateway}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
    )
    _package_sources(etc / "apt")
    _ssh(root, lab)


def _name_servers() -> str:
    """Return the machine's name servers, as a host in a network of its own can reach them."""
    for path in RESOLVERS:
        text = path.read_text() if path.exists() else ""
        lines = [line for line in text.splitlines() if line.startswith("nameserver ")]
        reachable = [line for line in lines if not line.split()[1].startswith(("127.", "::1"))]
        if reachable:
            return "\n".join(reachable) + "\n"
    raise MachineError("/etc/resolv.conf: names no server but the machine itself; add one")


def _package_sources(apt: Path) -> None:
    """Let the host use the package sources that the machine uses, for its own Debian release."""
    (apt / "sources.list").unlink(missing_ok=True)
    (apt / "sources.list.d").mkdir(exist_ok=True)
    (apt / "sources.list.d" / "debian.sources").write_text(
        "\n".join(
            f"Types: deb\nURIs: {uri}\nSuites: {suites}\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
            for uri, suites in machine_sources().items()
        )
    )
    for path in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
        shutil.copy(path, apt / "apt.conf.d")
    (apt / "apt.conf.d" / "90lab").write_text('Acquire::Languages "none";\n')


def _ssh(root: Path, lab: LabFolder) -> None:
    """Let the lab's key in, and give the host a key of its own that the lab knows."""
    folder = root / "root/.ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    public = lab.key.with_suffix(".pub").read_text()
    (folder / "authorized_keys").write_text(public)
    (folder / "authorized_keys").chmod(0o600)
    key = root / "etc/ssh/ssh_host_ed25519_key"
    key.unlink(missing_ok=True)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key))
