"""The substrate `hetzner`: the hosts of a topology as servers of Hetzner Cloud."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pulumi

from klokken.clouds.hetzner import require_token
from klokken.clouds.settings import Front
from klokken.stackconfig import config_path
from klokken.topology import Tier
from stacks.contact import Contact
from stacks.hetzner.balancer import Balancer
from stacks.hetzner.ground import Ground
from stacks.hetzner.server import Server
from stacks.hosts import Hosts

if TYPE_CHECKING:
    from klokken.clouds.hetzner import Hetzner
    from klokken.topology import Topology


def hetzner(stack: str, config: Hetzner, site: Topology) -> Hosts:
    """Declare a site's servers and what they stand on; return them. Raises InputError."""
    require_token(pulumi.Config("hcloud").get("token") or os.environ.get("HCLOUD_TOKEN"))
    ground = Ground(stack, config, site, config.public_key(config_path(stack)))
    addresses = site.addresses()
    servers = {
        plan.name: Server(stack, config, plan, addresses[plan.name], ground)
        for plan in site.hosts()
    }
    edges = [servers[plan.name] for plan in site.hosts() if plan.tier is Tier.EDGE]
    _front(stack, config, site, ground, edges)
    met = Contact(
        stack,
        {name: server.machine.ipv4_address for name, server in servers.items()},
        {name: server.machine.id for name, server in servers.items()},
        # Ansible comes after it, and needs the hosts in their network with their disks.
        pulumi.ResourceOptions(depends_on=list(servers.values())),
    )
    return Hosts(
        instances={name: met.machines[name] for name in servers},
        own={name: _own(server, str(addresses[name])) for name, server in servers.items()},
        shared=config.shared(stack),
    )


def _front(
    stack: str, config: Hetzner, site: Topology, ground: Ground, edges: list[Server]
) -> None:
    """Export where the site's names shall lead, with a balancer declared where there is one."""
    if config.front is Front.BALANCER:
        balancer = Balancer(stack, config, site, ground, edges).balancer
        pulumi.export("front", [balancer.ipv4, balancer.ipv6])
        return
    pulumi.export(
        "front", [a for e in edges for a in (e.machine.ipv4_address, e.machine.ipv6_address)]
    )


def _own(server: Server, address: str) -> dict[str, Any]:
    """Return the inventory variables of a host."""
    device = {} if server.volume is None else {"volume_device": server.volume.linux_device}
    # Its IPv6 address is in DNS as well.
    both = {"edge_ipv6": True} if server.is_public else {}
    return {"ansible_host": server.machine.ipv4_address, "site_address": address, **device, **both}
