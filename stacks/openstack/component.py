"""The substrate `openstack`: the hosts of a topology as servers of an OpenStack cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi_openstack import Provider

from klokken.clouds.settings import Front
from klokken.stackconfig import config_path
from klokken.topology import Tier
from stacks.contact import Contact
from stacks.hosts import Hosts
from stacks.openstack.balancer import Balancer
from stacks.openstack.ground import Ground
from stacks.openstack.server import ACCOUNT, Server

if TYPE_CHECKING:
    from klokken.clouds.openstack import OpenStack
    from klokken.topology import Topology


def openstack(stack: str, config: OpenStack, site: Topology) -> Hosts:
    """Declare a site's servers and what they stand on; return them. Raises InputError."""
    # It finds the application credential itself, in clouds.yaml: none is ever an input.
    provider = Provider(
        stack,
        cloud=config.entry or config.cloud,
        region=config.region,
        auth_url=str(config.profile.regions[config.region].auth_url),
    )
    ground = Ground(stack, config, site, config.public_key(config_path(stack)), provider)
    addresses = site.addresses()
    servers = {
        plan.name: Server(stack, config, plan, addresses[plan.name], ground)
        for plan in site.hosts()
    }
    edges = [plan.name for plan in site.hosts() if plan.tier is Tier.EDGE]
    if config.front is Front.BALANCER:
        balancer = Balancer(stack, config, ground, {name: addresses[name] for name in edges})
        pulumi.export("front", [balancer.address])
    else:
        pulumi.export("front", [servers[name].address for name in edges])
    met = Contact(
        stack,
        {name: server.address for name, server in servers.items()},
        {name: server.machine.id for name, server in servers.items()},
        # Ansible comes after it, and needs the hosts in their network with their disks.
        pulumi.ResourceOptions(depends_on=list(servers.values())),
    )
    return Hosts(
        instances={name: met.machines[name] for name in servers},
        own={name: _own(server, str(addresses[name])) for name, server in servers.items()},
        shared=config.shared(stack),
    )


def _own(server: Server, address: str) -> dict[str, Any]:
    """Return the inventory variables of a host."""
    device = {} if server.device is None else {"volume_device": server.device}
    return {
        "ansible_host": server.address,
        "ansible_user": ACCOUNT,
        "ansible_become": True,
        "site_address": address,
        **device,
    }
