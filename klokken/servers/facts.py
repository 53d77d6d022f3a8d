"""What a host says of itself before it is adopted."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.errors import MachineError

if TYPE_CHECKING:
    from klokken.remote import Remote

# Seconds that a host may take to fetch one file of its package sources.
FETCH = 40
# Where the role drive has its data.
DATA = "/srv/data"
# LISTEN, as the kernel's tables of sockets number the states of TCP.
_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Facts:
    """One host. `clock_off` is how many seconds its clock is off, as nearly as SSH can tell.

    `stack` is the stack that has adopted it, if one has; `seen_from` the address of this machine
    as the host sees it; `own_firewall` whether somebody has changed /etc/nftables.conf;
    `data_volume` whether a volume of its own is mounted where a cell has its documents.
    """

    release: str
    root: bool
    systemd: bool
    python: bool
    clock_off: float
    machine: str
    cores: int
    memory_mb: int
    disk_gb: float
    ports: frozenset[int]
    addresses: frozenset[str]
    seen_from: str
    stack: str
    own_firewall: bool
    data_volume: bool
    packages: str


# Needs nothing that a minimal Debian has not.
_SCRIPT = f"""
export LC_ALL=C
echo time $(date +%s)
echo release $(. /etc/os-release && echo "$ID $VERSION_ID")
echo root $(if [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; then echo yes; fi)
echo init $(cat /proc/1/comm) $(stat -f -c %T /sys/fs/cgroup)
echo python $(command -v python3)
echo machine $(cat /etc/machine-id)
echo cores $(nproc)
echo memory $(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo)
echo disk $(df -Pk /var | tail -n 1)
echo ports $(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null \\
  | while read -r _ local _ state _; do [ "$state" = {_LISTEN} ] && echo "${{local##*:}}"; done)
echo addresses $(hostname -I)
echo from ${{SSH_CONNECTION%% *}}
echo stack $(cat /etc/klokken/stack 2>/dev/null)
echo data $(findmnt -n -o FSTYPE -M {DATA})
echo firewall $(dpkg -V nftables 2>/dev/null)
"""
# Says nothing where the host's first package source answers. apt's own helper knows its proxies.
# The source is not named: an address there may hold a password.
_PACKAGES = f"""
export LC_ALL=C
uri=$(apt-get --print-uris update 2>/dev/null \\
  | sed -n "s/^'\\([^']*InRelease\\)'.*/\\1/p" | head -n 1)
[ -n "$uri" ] || {{ echo 'apt has no package source'; exit; }}
folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT
timeout {FETCH} /usr/lib/apt/apt-helper -o Acquire::Retries=0 download-file "$uri" "$folder/it" \\
  >/dev/null 2>&1 || echo 'its first package source does not answer'
"""


def gather(host: Remote) -> Facts:
    """Return the facts of a host; raise MachineError where it does not answer or is no Linux."""
    before = time.time()
    told = host.run(["sh", "-s"], given=_SCRIPT.encode(), check=False)
    after = time.time()
    packages = host.run(["sh", "-s"], given=_PACKAGES.encode(), check=False, timeout=2 * FETCH)
    try:
        return parsed(told, before, after, packages.strip())
    except (IndexError, KeyError, ValueError):
        raise MachineError(f"{host.name}: says nothing usable of itself; is it a Debian?") from None


def parsed(told: str, before: float, after: float, packages: str) -> Facts:
    """Return the facts in what a host told between two moments in Unix seconds.

    Raises IndexError, KeyError or ValueError where some are missing.
    """
    lines = (line.split() for line in told.splitlines() if line.strip())
    said = {name: values for name, *values in lines}
    (clock,), (memory,), (cores,) = (said[name] for name in ("time", "memory", "cores"))
    (machine,) = said["machine"]
    # The host counts whole seconds.
    off = max(before - 1 - float(clock), float(clock) - after, 0.0)
    return Facts(
        release=" ".join(said["release"]),
        root=said["root"] == ["yes"],
        systemd=said["init"] == ["systemd", "cgroup2fs"],
        python=bool(said["python"]),
        clock_off=off,
        machine=machine,
        cores=int(cores),
        memory_mb=int(memory) // 1024,
        # Of "Filesystem 1024-blocks Used Available Capacity Mounted on".
        disk_gb=int(said["disk"][3]) * 1024 / 1e9,
        ports=frozenset(int(port, 16) for port in said["ports"]),
        addresses=frozenset(said["addresses"]),
        seen_from=" ".join(said["from"]),
        stack=" ".join(said["stack"]),
        own_firewall="/etc/nftables.conf" in said["firewall"],
        data_volume=bool(said["data"]),
        packages=packages,
    )
