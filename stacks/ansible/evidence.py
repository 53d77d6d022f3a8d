"""What a host's journal says of a service whose role has failed."""

from __future__ import annotations

import shlex
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klokken.inventory import Inventory

LINES = 15
TIMEOUT = 20


def journal(inventory: Inventory, host: str, role: str) -> str:
    """Return the last journal lines of the units of `role` on `host`, or an empty text.

    Each role lists its units, one a line, in /etc/klokken/units.d/<role>.
    """
    known = inventory.hosts()
    if host not in known:
        return ""
    site = inventory.site
    script = (
        f'units=$(sed "s/^/-u /" /etc/klokken/units.d/{shlex.quote(role)} 2>/dev/null) && '
        f'[ -n "$units" ] && journalctl --no-pager --output=cat -n {LINES} $units'
    )
    argv = [
        "ssh",
        "-o", "BatchMode=yes",
        "-o", "ConnectTimeout=5",
        "-i", str(site.ansible_ssh_private_key_file),
        *shlex.split(site.ansible_ssh_common_args),
        f"{site.ansible_user}@{known[host].ansible_host}",
        script,
    ]  # fmt: skip
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return ""
    lines = done.stdout.strip()
    return f"last journal lines on {host}:\n{lines}" if lines else ""
