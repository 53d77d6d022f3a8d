"""The lock that Pulumi keeps on a stack's state, and whether its holder still lives."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klokken.paths import state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

# As Pulumi.yaml names it.
PULUMI_PROJECT = "klokken"


def abandoned(stack: str) -> bool:
    """Return whether `stack` is locked by nobody but Pulumis of this machine that are gone.

    A lock outlives a Pulumi that is killed, and a machine that restarts under it. Its process
    number may be another program's by now.
    """
    held = list(_locks(stack))
    return bool(held) and not any(map(_lives, held))


def _locks(stack: str) -> Iterator[dict[str, Any]]:
    folder = state_folder() / ".pulumi/locks/organization" / PULUMI_PROJECT / stack
    for path in folder.glob("*.json"):
        try:
            yield json.loads(path.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            # It was let go meanwhile, or is being written: whoever does either lives.
            yield {}


def _lives(lock: dict[str, Any]) -> bool:
    if lock.get("hostname") != socket.gethostname():
        return True
    try:
        return Path(f"/proc/{lock['pid']}/comm").read_text().strip() == "pulumi"
    except (OSError, KeyError):
        return False
