"""The load balancer before the edges, where the cloud has Octavia and a site wants it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_openstack import loadbalancer, networking

from stacks.openstack.ground import WEB, tags

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address

    from klokken.clouds.openstack import OpenStack
    from stacks.openstack.ground import Ground


class Balancer(pulumi.ComponentResource):
    """Passes connections on as they are, inside the network: TLS ends at the edges."""

    def __init__(
        self,
        stack: str,
        config: OpenStack,
        ground: Ground,
        edges: Mapping[str, IPv4Address],
    ) -> None:
        """Declare it before `edges`, whose addresses are by name."""
        super().__init__("klokken:openstack:Balancer", stack, opts=ground.within)
        child = pulumi.ResourceOptions(parent=self)
        labelled = tags(config.labels(stack))
        balancer = loadbalancer.LoadBalancer(
            stack, name=stack, vip_subnet_id=ground.subnet.id, tags=labelled, opts=child
        )
        for port in WEB:
            name = f"{stack}-{port}"
            listener = loadbalancer.Listener(
                name,
                name=name,
                loadbalancer_id=balancer.id,
                protocol="TCP",
                protocol_port=port,
                opts=child,
            )
            pool = loadbalancer.Pool(
                name,
                name=name,
                listener_id=listener.id,
                protocol="TCP",
                lb_method="LEAST_CONNECTIONS",
                opts=child,
            )
            loadbalancer.Monitor(
                name, pool_id=pool.id, type="TCP", delay=5, timeout=3, max_retries=2, opts=child
            )
            for edge, address in edges.items():
                loadbalancer.Member(
                    f"{name}-{edge}",
                    name=edge,
                    pool_id=pool.id,
                    subnet_id=ground.subnet.id,
                    address=str(address),
                    protocol_port=port,
                    opts=child,
                )
        fixed = networking.FloatingIp(
            stack,
            pool=ground.external,
            port_id=balancer.vip_port_id,
            tags=labelled,
            opts=pulumi.ResourceOptions(
                parent=self, protect=config.keeps_data, depends_on=ground.way_out
            ),
        )
        self.address = fixed.address
        self.register_outputs({"address": self.address})
