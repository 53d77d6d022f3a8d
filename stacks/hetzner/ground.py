"""What the servers of a site stand on: the key, the network, the firewalls, the addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_hcloud as hcloud

from klokken.clouds.hetzner import GROUP, ZONE

if TYPE_CHECKING:
    from klokken.clouds.hetzner import Hetzner
    from klokken.topology import HostPlan, Topology

ANYWHERE = ["0.0.0.0/0", "::/0"]
# What pupils' browsers ask for, and nothing else is open to everybody.
WEB = (80, 443)
# Without ICMP a connection whose packets are too large for its way would hang.
PING = hcloud.FirewallRuleArgs(direction="in", protocol="icmp", source_ips=ANYWHERE)


class Ground(pulumi.ComponentResource):
    """A private network of one subnet, and what is let in from outside.

    Hetzner's firewalls do not filter the private network: the hosts' own nftables do.
    """

    def __init__(self, stack: str, config: Hetzner, site: Topology, key: str) -> None:
        """Declare it; `key` is the public key of whoever configures the hosts."""
        super().__init__("klokken:hetzner:Ground", stack)
        child, labels = pulumi.ResourceOptions(parent=self), config.labels(stack)
        self.key = hcloud.SshKey(stack, name=stack, public_key=key, labels=labels, opts=child)
        self.network = hcloud.Network(
            stack, name=stack, ip_range=str(site.network), labels=labels, opts=child
        )
        self.subnet = hcloud.NetworkSubnet(
            stack,
            network_id=self.network.id.apply(int),
            type="cloud",
            network_zone=ZONE,
            ip_range=str(site.network),
            opts=child,
        )
        management = [str(network) for network in config.management]
        self.management = hcloud.Firewall(
            f"{stack}-management",
            name=f"{stack}-management",
            labels=labels,
            rules=[_open(22, management), PING],
            opts=child,
        )
        self.web = hcloud.Firewall(
            f"{stack}-web",
            name=f"{stack}-web",
            labels=labels,
            rules=[_open(port, ANYWHERE) for port in WEB],
            opts=child,
        )
        self._groups = {
            name: hcloud.PlacementGroup(
                f"{stack}-{name}",
                name=f"{stack}-{name}",
                type="spread",
                labels=labels,
                opts=child,
            )
            for name in dict.fromkeys(_group_name(plan) for plan in site.hosts())
        }
        self.register_outputs({})

    def group(self, plan: HostPlan) -> hcloud.PlacementGroup:
        """Return the group of a host: its servers are on different machines."""
        return self._groups[_group_name(plan)]


def _group_name(plan: HostPlan) -> str:
    number = int(plan.name.removeprefix(plan.tier))
    return f"{plan.tier}-{(number - 1) // GROUP + 1}"


def _open(port: int, sources: list[str]) -> hcloud.FirewallRuleArgs:
    """Return a rule that lets TCP in."""
    return hcloud.FirewallRuleArgs(
        direction="in", protocol="tcp", port=str(port), source_ips=sources
    )
