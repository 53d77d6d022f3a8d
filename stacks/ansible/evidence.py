"""What a host's journal says of a service whose role has failed."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from klokken.remote import Remote

if TYPE_CHECKING:
    from klokken.inventory import Inventory

LINES = 15
TIMEOUT = 20


def journal(inventory: Inventory, host: str, role: str) -> str:
    """Return the last journal lines of the units of `role` on `host`, or an empty text.

    Each role lists its units, one a line, in /etc/klokken/units.d/<role>.
    """
    script = (
        f'units=$(sed "s/^/-u /" /etc/klokken/units.d/{shlex.quote(role)} 2>/dev/null) && '
        f'[ -n "$units" ] && journalctl --no-pager --output=cat -n {LINES} $units'
    )
    remote = next((each for each in Remote.of(inventory) if each.name == host), None)
    if remote is None:
        return ""
    try:
        argv = ["sh", "-c", script]
        lines = remote.run(argv, timeout=TIMEOUT, root=True, check=False).strip()
    except MachineError:
        # A host that cannot be reached has no more to say; the failed task has said so already.
        return ""
    return f"last journal lines on {host}:\n{lines}" if lines else ""
