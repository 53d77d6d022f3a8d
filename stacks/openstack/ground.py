"""What the servers of a site stand on: the key, the network, the security groups."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pulumi
from pulumi_openstack import compute, networking

from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_openstack import Provider

    from klokken.clouds.openstack import OpenStack
    from klokken.topology import Topology

ANYWHERE = "0.0.0.0/0"
# What pupils' browsers ask for, and nothing else is open to everybody.
WEB = (80, 443)


class Ground(pulumi.ComponentResource):
    """A private network with a router to the cloud's external one, and what is let in.

    What the hosts say to one another is let through here: their own nftables filter it.
    """

    def __init__(
        self, stack: str, config: OpenStack, site: Topology, key: str, provider: Provider
    ) -> None:
        """Declare it; `key` is the public key of whoever configures the hosts."""
        opts = pulumi.ResourceOptions(providers=[provider])
        super().__init__("klokken:openstack:Ground", stack, opts=opts)
        # Everything of the site is asked of the same region.
        self.within = pulumi.ResourceOptions(parent=self)
        self._stack, self._child = stack, pulumi.ResourceOptions(parent=self)
        self._tags = tags(config.labels(stack))
        self.key = compute.Keypair(stack, name=stack, public_key=key, opts=self._child)
        self.network = networking.Network(stack, name=stack, tags=self._tags, opts=self._child)
        self.subnet = networking.Subnet(
            stack,
            name=stack,
            network_id=self.network.id,
            cidr=str(site.network),
            ip_version=4,
            # Without any, a host asks the network's own, and not every cloud has one there.
            dns_nameservers=[
                str(each) for each in config.name_servers or config.profile.resolvers.value
            ],
            tags=self._tags,
            opts=self._child,
        )
        self.external = config.external_network or config.profile.external_network.value
        external = networking.get_network_output(
            name=self.external, external=True, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        router = networking.Router(
            stack,
            name=stack,
            external_network_id=external.id,
            tags=self._tags,
            opts=self._child,
        )
        self.way_out = networking.RouterInterface(
            stack, router_id=router.id, subnet_id=self.subnet.id, opts=self._child
        )
        managers = [str(network) for network in config.management]
        self.management = self._let_in("management", managers, [22])
        self.inside = self._let_in("inside", [str(site.network)], [None])
        self.web = self._let_in("web", [ANYWHERE], WEB)
        self.spread = {
            tier: compute.ServerGroup(
                f"{stack}-{tier}",
                name=f"{stack}-{tier}",
                policies="soft-anti-affinity",
                opts=self._child,
            )
            for tier in Tier
        }
        self.register_outputs({})

    def _let_in(
        self, name: str, sources: Sequence[str], ports: Sequence[int | None]
    ) -> networking.SecGroup:
        """Declare a group that lets TCP in at `ports`; None stands for everything."""
        name = f"{self._stack}-{name}"
        group = networking.SecGroup(name, name=name, tags=self._tags, opts=self._child)
        for source, port in product(sources, ports):
            networking.SecGroupRule(
                f"{name}-{source}-{port or 'all'}",
                direction="ingress",
                ethertype="IPv4",
                protocol="tcp" if port else None,
                port_range_min=port,
                port_range_max=port,
                remote_ip_prefix=source,
                security_group_id=group.id,
                opts=self._child,
            )
        return group


def tags(labels: Mapping[str, str]) -> list[str]:
    """Return labels as OpenStack's tags, each `key=value`."""
    return [f"{key}={value}" for key, value in labels.items()]
