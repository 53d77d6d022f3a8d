"""Disks with data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from klokken.clouds.openstack import profiles
from klokken.clouds.settings import WITH_DATA, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.seen import Seen

# How each cloud itself refuses to delete a thing; None where it cannot.
LOCKS = {
    "hcloud:index/server:Server": "deleteProtection",
    "hcloud:index/volume:Volume": "deleteProtection",
    "openstack:blockstorage/volume:Volume": None,
    "openstack:compute/instance:Instance": None,
    "proxmoxve:index/vmLegacy:VmLegacy": "protection",
}
# What is nothing but a disk.
VOLUMES = ("hcloud:index/volume:Volume", "openstack:blockstorage/volume:Volume")
# A Proxmox machine with a second disk has data on it.
ONE_DISK = 1


def data_is_kept(seen: Seen) -> Iterator[str]:
    """Disks with pupils' data cannot be deleted by mistake, and are encrypted where they can be."""
    if seen.type not in LOCKS:
        return
    if _has_data(seen) and seen.labels.get("purpose") != Purpose.TEST:
        lock = LOCKS[seen.type]
        if not seen.protect:
            yield "a disk with data, and Pulumi may delete it; declare it with `protect`"
        if lock and not seen.props.get(lock):
            yield f"a disk with data, and the cloud may delete it; set `{lock}`"
        if any(disk.get("deleteOnTermination") for disk in _boot_volumes(seen)):
            yield "a disk with data that goes with its server; unset `deleteOnTermination`"
    yield from _unencrypted(seen)


def _has_data(seen: Seen) -> bool:
    """Say whether data is lost with a thing: a volume's, or that of a tier that keeps some."""
    disks = len(seen.props.get("disks") or [])
    return seen.type in VOLUMES or seen.labels.get("tier") in WITH_DATA or disks > ONE_DISK


def _boot_volumes(seen: Seen) -> list[Any]:
    """Return the volumes that are made with a server, as it declares them."""
    devices = seen.props.get("blockDevices") or []
    return [disk for disk in devices if disk.get("destinationType") == "volume"]


def _unencrypted(seen: Seen) -> Iterator[str]:
    """Yield a problem where the cloud can encrypt volumes, and is not asked to."""
    profile = profiles().get(seen.labels.get("cloud", ""))
    wanted = profile.encrypted.value if profile else ""
    volumes = [seen.props] if seen.type in VOLUMES else _boot_volumes(seen)
    if wanted and any(volume.get("volumeType") != wanted for volume in volumes):
        yield f"a disk with data, and not encrypted; set the volume's type to {wanted}"
