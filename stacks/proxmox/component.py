"""The substrate `proxmox`: the hosts of a topology as virtual machines of a cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pulumi

from klokken.clouds.proxmox import require_token
from klokken.stackconfig import config_path
from klokken.topology import Tier
from stacks.contact import Contact
from stacks.hosts import Hosts
from stacks.proxmox.ground import Ground
from stacks.proxmox.machine import ACCOUNT, DATA_SERIAL, Machine

if TYPE_CHECKING:
    from klokken.clouds.proxmox import Proxmox
    from klokken.topology import HostPlan, Topology

DEVICE = f"/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_{DATA_SERIAL}"


def proxmox(stack: str, config: Proxmox, site: Topology) -> Hosts:
    """Declare a site's virtual machines; return them. Raises InputError."""
    token = require_token(
        pulumi.Config("proxmoxve").get("apiToken") or os.environ.get("PROXMOX_VE_API_TOKEN")
    )
    key = config.public_key(config_path(stack))
    ground = Ground(stack, config, key, pulumi.Output.secret(token))
    machines = {plan.name: Machine(stack, config, site, plan, ground) for plan in site.hosts()}
    addresses = {name: str(address) for name, address in site.addresses().items()}
    edges = [plan.name for plan in site.hosts() if plan.tier is Tier.EDGE]
    pulumi.export("front", [addresses[name] for name in edges])
    met = Contact(
        stack,
        addresses,
        {name: each.machine.id for name, each in machines.items()},
        pulumi.ResourceOptions(depends_on=list(machines.values())),
    )
    return Hosts(
        instances={name: met.machines[name] for name in machines},
        own={plan.name: _own(plan, addresses[plan.name]) for plan in site.hosts()},
        shared=config.shared(stack),
    )


def _own(plan: HostPlan, address: str) -> dict[str, Any]:
    """Return the inventory variables of a host."""
    device = {"volume_device": DEVICE} if plan.volume_gb else {}
    return {
        "ansible_host": address,
        "ansible_user": ACCOUNT,
        "ansible_become": True,
        "site_address": address,
        **device,
    }
