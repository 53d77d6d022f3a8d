"""Whose things are, and what for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.clouds.settings import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.seen import Seen

# What costs money or holds data, and can be labelled. Read out in the clouds' own consoles.
LABELLED = frozenset(
    {
        "hcloud:index/firewall:Firewall",
        "hcloud:index/floatingIp:FloatingIp",
        "hcloud:index/loadBalancer:LoadBalancer",
        "hcloud:index/network:Network",
        "hcloud:index/primaryIp:PrimaryIp",
        "hcloud:index/server:Server",
        "hcloud:index/snapshot:Snapshot",
        "hcloud:index/sshKey:SshKey",
        "hcloud:index/storageBox:StorageBox",
        "hcloud:index/volume:Volume",
        "openstack:blockstorage/volume:Volume",
        "openstack:compute/instance:Instance",
        "openstack:loadbalancer/loadBalancer:LoadBalancer",
        "openstack:networking/floatingIp:FloatingIp",
        "openstack:networking/network:Network",
        "openstack:networking/router:Router",
        "openstack:networking/secGroup:SecGroup",
        "proxmoxve:index/vmLegacy:VmLegacy",
    }
)


def owner_and_purpose(seen: Seen) -> Iterator[str]:
    """Everything that costs money or holds data says whose it is, and what for."""
    if seen.type not in LABELLED:
        return
    if not seen.labels.get("owner"):
        yield "has no label `owner`; say whose it is"
    if seen.labels.get("purpose") not in list(Purpose):
        yield f"has no label `purpose`; say which of {', '.join(Purpose)} it is for"
