"""Remove whatever is left of a lab, however it came to an end.

`python -m stacks.lab.sweep STACK` works without Pulumi, on a lab whole, half made or gone.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from klokken.errors import KlokkenError
from klokken.paths import LABS
from stacks.lab.folder import LabFolder
from stacks.lab.host import HostSpec, LabHost
from stacks.lab.network import RECORD, LabNetwork

if TYPE_CHECKING:
    from pathlib import Path


def sweep(stack: str) -> None:
    """End the hosts of `stack`, remove its network and delete its folder."""
    lab = LabFolder(stack)
    for folder in sorted(lab.hosts.glob("*")):
        _remove_host(stack, folder)
    LabNetwork(stack, _network(stack)).remove()
    lab.remove()


def _remove_host(stack: str, folder: Path) -> None:
    """Remove one host by its record, or by its name where the record is missing."""
    try:
        record = json.loads((folder / "host.json").read_text())
        record.pop("instance")
    except (OSError, ValueError):
        record = {"stack": stack, "name": folder.name, "address": "", "network": "", "image": ""}
    LabHost(HostSpec.model_validate(record)).remove()


def _network(stack: str) -> str:
    """Return the address range that the lab's bridge was made for."""
    path = LABS / stack / RECORD
    return path.read_text().strip() if path.exists() else "198.18.0.0/24"


def main() -> int:
    """Sweep the stack named on the command line."""
    try:
        sweep(sys.argv[1])
    except KlokkenError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a program's own output
        return error.code
    return 0


if __name__ == "__main__":
    sys.exit(main())
