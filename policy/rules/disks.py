"""Disks with data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.clouds.openstack import profiles
from klokken.clouds.settings import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.seen import Seen

# How each cloud itself refuses to delete a thing; None where it cannot.
LOCKS = {
    "hcloud:index/volume:Volume": "deleteProtection",
    "openstack:blockstorage/volume:Volume": None,
    "proxmoxve:index/vmLegacy:VmLegacy": "protection",
}
# A Proxmox machine with a second disk has data on it.
ONE_DISK = 1


def data_is_kept(seen: Seen) -> Iterator[str]:
    """Disks with pupils' data cannot be deleted by mistake, and are encrypted where they can be."""
    if seen.type not in LOCKS or (seen.type.startswith("proxmoxve:") and not _has_data(seen)):
        return
    if seen.labels.get("purpose") != Purpose.TEST:
        lock = LOCKS[seen.type]
        if not seen.protect:
            yield "a disk with data, and Pulumi may delete it; declare it with `protect`"
        if lock and not seen.props.get(lock):
            yield f"a disk with data, and the cloud may delete it; set `{lock}`"
    yield from _unencrypted(seen)


def _has_data(seen: Seen) -> bool:
    return len(seen.props.get("disks") or []) > ONE_DISK


def _unencrypted(seen: Seen) -> Iterator[str]:
    """Yield a problem where the cloud can encrypt volumes, and is not asked to."""
    profile = profiles().get(seen.labels.get("cloud", ""))
    wanted = profile.encrypted.value if profile else ""
    if wanted and seen.props.get("volumeType") != wanted:
        yield f"a disk with data, and not encrypted; set the volume's type to {wanted}"
