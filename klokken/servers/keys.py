"""The host keys of servers: which are known, which are new, and which have changed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken import files
from klokken.errors import MachineError
from klokken.servers.listing import known_hosts_path
from klokken.servers.preconditions import TOGETHER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from klokken.servers.listing import ServerList

# Seconds that a host may take to show its keys.
PATIENCE = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """What a host showed: its keys as "type base64", and those that were known before.

    `place` is the host as a file of known hosts names it.
    """

    name: str
    place: str
    keys: frozenset[str]
    known: frozenset[str]

    @property
    def is_known(self) -> bool:
        """Whether the host shows a key that is known."""
        return bool(self.keys & self.known)

    @property
    def problem(self) -> str:
        """What keeps its key from being accepted; empty where nothing does."""
        if not self.keys:
            return (
                f"{self.name}: does not answer SSH at {self.place}; start it, or correct the list"
            )
        if self.known and not self.is_known:
            return (
                f"{self.name}: its host key is not the one that is known; find out why, and if it"
                " was installed anew, remove its line from the file known_hosts"
            )
        return ""


def shown(stack: str, listed: ServerList) -> list[Shown]:
    """Ask every host for its keys, side by side, and look up what is known of each."""
    path = known_hosts_path(stack)

    def ask(name: str) -> Shown:
        server = listed.hosts[name]
        host, port = server.host or str(server.address), server.port or listed.ssh.port
        argv = ["ssh-keyscan", "-T", str(PATIENCE), "-p", str(port), host]
        place = listed.way_in(server)
        return Shown(name, place, _keys(_printed(argv)), _known(path, place))

    with ThreadPoolExecutor(min(len(listed.hosts), TOGETHER)) as pool:
        return list(pool.map(ask, listed.hosts))


def accept(stack: str, hosts: Sequence[Shown]) -> list[Shown]:
    """Write down the keys of hosts that had none, and return these hosts."""
    new = [host for host in hosts if not host.problem and not host.is_known]
    path = known_hosts_path(stack)
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = [f"{host.place} {key}\n" for host in new for key in sorted(host.keys)]
    if lines:
        files.write(path, before + "".join(lines))
    return new


def fingerprints(keys: frozenset[str]) -> list[str]:
    """Return keys as `ssh-keygen -l` prints them: "SHA256:... type"."""
    found = []
    for key in sorted(keys):
        kind, _, body = key.partition(" ")
        digest = hashlib.sha256(base64.b64decode(body)).digest()
        found.append(f"SHA256:{base64.b64encode(digest).decode().rstrip('=')} {kind}")
    return found


def _known(path: Path, place: str) -> frozenset[str]:
    """Return the keys known of a place; OpenSSH itself looks, since names may be hashed."""
    if not path.exists():
        return frozenset()
    return _keys(_printed(["ssh-keygen", "-F", place, "-f", str(path)]))


def _keys(printed: str) -> frozenset[str]:
    """Return the keys in lines of a file of known hosts; what is no key is left out."""
    found = set()
    for line in printed.splitlines():
        words = line.split()
        if line.startswith(("#", "@")) or len(words) < 3:  # noqa: PLR2004 - place, type and key
            continue
        try:
            base64.b64decode(words[2], validate=True)
        except (binascii.Error, ValueError):
            continue
        found.add(f"{words[1]} {words[2]}")
    return frozenset(found)


def _printed(argv: list[str]) -> str:
    """Return what a program of OpenSSH prints; one that finds nothing fails, and prints nothing."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        raise MachineError(f"{argv[0]}: not on this machine; install openssh-client") from None
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout
