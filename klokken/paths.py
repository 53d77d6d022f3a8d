"""Where Klokken keeps things on a machine: caches, state and settings, each in its place."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# Each run, simulation and sizing has a folder here.
RESULTS = PROJECT / "results"

# Each lab on this machine has a folder here, the last of it to go.
LABS = Path("/var/lib/klokken")


def cache_folder() -> Path:
    """Return the folder of what can be made again: tools, images, downloads."""
    return _folder("XDG_CACHE_HOME", ".cache")


def state_folder() -> Path:
    """Return the folder of Pulumi's local state."""
    return _folder("XDG_STATE_HOME", ".local/state")


def unfinished_folder(stack: str) -> Path:
    """Return the folder of the marks of tiers whose configuration has not come to its end."""
    return state_folder() / "unfinished" / stack


def config_folder() -> Path:
    """Return the folder of the passphrase that encrypts the stacks' secrets."""
    return _folder("XDG_CONFIG_HOME", ".config")


def inventory_path(stack: str) -> Path:
    """Return the inventory file of `stack`, which `up` writes and which is there while it is up."""
    return site_folder(stack) / "inventory.yml"


def site_folder(stack: str) -> Path:
    """Return the folder of what is known of the hosts of `stack`."""
    return PROJECT / "inventories" / stack


def _folder(variable: str, default: str) -> Path:
    base = os.environ.get(variable) or Path.home() / default
    return Path(base) / "klokken"
