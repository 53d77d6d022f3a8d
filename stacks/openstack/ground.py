"""What the servers of a site stand on: the key, the network, the security groups."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pulumi
from pulumi_openstack import compute, networking

from klokken.clouds.settings import Front
from klokken.topology import FIRST_HOST, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_openstack import Provider

    from klokken.clouds.openstack import OpenStack
    from klokken.topology import Topology

ANYWHERE = "0.0.0.0/0"
# What pupils' browsers ask for, and nothing else is open to everybody.
WEB = (80, 443)
# The first address that the cloud may give away itself; the one before is the router's.
FIRST_OF_THE_CLOUD = 2


class Ground(pulumi.ComponentResource):
    """A private network, its way out by a router where hosts have no other, and what is let in.

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
        routed = config.profile.floating.value or config.front is Front.BALANCER
        self.subnet = networking.Subnet(
            stack,
            name=stack,
            network_id=self.network.id,
            cidr=str(site.network),
            ip_version=4,
            # What the cloud has there itself, such as for DHCP, would take a host's else.
            allocation_pools=[
                networking.SubnetAllocationPoolArgs(
                    start=str(site.network[FIRST_OF_THE_CLOUD]),
                    end=str(site.network[FIRST_HOST - 1]),
                )
            ],
            # Hosts that stand on the external network as well would have two ways out.
            no_gateway=None if routed else True,
            # Without any, a host asks the network's own, and not every cloud has one there.
            dns_nameservers=[
                str(each) for each in config.name_servers or config.profile.resolvers.value
            ],
            tags=self._tags,
            opts=self._child,
        )
        self.external = config.external_network or config.profile.external_network.value
        self.way_out = [self._way_out()] if routed else []
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

    def _way_out(self) -> networking.RouterInterface:
        """Declare the router to the cloud's external network."""
        external = networking.get_network_output(
            name=self.external, external=True, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        router = networking.Router(
            self._stack,
            name=self._stack,
            external_network_id=external.id,
            tags=self._tags,
            opts=self._child,
        )
        return networking.RouterInterface(
            self._stack, router_id=router.id, subnet_id=self.subnet.id, opts=self._child
        )

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
