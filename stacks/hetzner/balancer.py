"""The load balancer before the edges, where a site has one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_hcloud as hcloud

from stacks.hetzner.ground import WEB

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.clouds.hetzner import Hetzner
    from klokken.topology import Topology
    from stacks.hetzner.ground import Ground
    from stacks.hetzner.server import Server

# Its address in the site's network: before those of the hosts.
PLACE = 10


class Balancer(pulumi.ComponentResource):
    """Passes connections on as they are, over the private network: TLS ends at the edges."""

    def __init__(
        self, stack: str, config: Hetzner, site: Topology, ground: Ground, edges: Sequence[Server]
    ) -> None:
        """Declare it before `edges`."""
        super().__init__("klokken:hetzner:Balancer", stack)
        child = pulumi.ResourceOptions(parent=self)
        self.balancer = hcloud.LoadBalancer(
            stack,
            name=stack,
            load_balancer_type=config.balancer_type,
            location=config.location,
            labels=config.labels(stack),
            # Its address is in DNS.
            delete_protection=config.keeps_data,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["location"]),
        )
        number = self.balancer.id.apply(int)
        inside = hcloud.LoadBalancerNetwork(
            stack,
            load_balancer_id=number,
            subnet_id=ground.subnet.id,
            ip=str(site.network[PLACE]),
            opts=child,
        )
        for edge in edges:
            hcloud.LoadBalancerTarget(
                edge.name,
                type="server",
                load_balancer_id=number,
                server_id=edge.machine.id.apply(int),
                use_private_ip=True,
                opts=pulumi.ResourceOptions(parent=self, depends_on=[inside, edge.attached]),
            )
        for port in WEB:
            hcloud.LoadBalancerService(
                f"{stack}-{port}",
                load_balancer_id=self.balancer.id,
                protocol="tcp",
                listen_port=port,
                destination_port=port,
                health_check=hcloud.LoadBalancerServiceHealthCheckArgs(
                    protocol="tcp", port=port, interval=5, timeout=3, retries=2
                ),
                opts=child,
            )
        self.register_outputs({})
