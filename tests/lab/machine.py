"""What a lab may leave on a machine, read from the machine itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - looked at, not written to
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


def printed(*argv: str, stdin: str | None = None) -> str:
    """Return what a program prints."""
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=True).stdout


def command_lines() -> dict[int, str]:
    """Return the command line of every process of the machine, lab hosts' included."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(path.parent.name)] = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return found


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
