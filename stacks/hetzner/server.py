"""One server of a site: where it stands, what it is attached to, and the disk of its data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_hcloud as hcloud

from klokken.clouds.settings import WITH_DATA, Front
from klokken.topology import HostPlan, Tier

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from klokken.clouds.hetzner import Hetzner
    from stacks.hetzner.ground import Ground

# A change of any of these would make another server in the place of one with data on it.
SETTLED = ["image", "location", "ssh_keys", "user_data"]


class Server(pulumi.ComponentResource):
    """A server in the site's network; `volume` is its data's disk where it has one.

    `is_public` says whether pupils arrive at its own addresses.
    """

    def __init__(
        self,
        stack: str,
        config: Hetzner,
        plan: HostPlan,
        address: IPv4Address,
        ground: Ground,
    ) -> None:
        """Declare it under the name of its plan."""
        self.name = f"{stack}-{plan.name}"
        super().__init__("klokken:hetzner:Server", self.name)
        self._config, self._plan = config, plan
        self._labels = config.labels(stack) | {"tier": plan.tier.value}
        kept = config.keeps_data and plan.tier in WITH_DATA
        child = pulumi.ResourceOptions(parent=self)
        self.is_public = plan.tier is Tier.EDGE and config.front is Front.ADDRESS
        walls = [ground.management, ground.web] if self.is_public else [ground.management]
        self.machine = hcloud.Server(
            self.name,
            # A name of our own: after a lost reply the next `up` would order a second server.
            name=self.name,
            server_type=config.type_of(plan.tier).lower(),
            image=config.image,
            location=config.location,
            ssh_keys=[ground.key.id],
            placement_group_id=ground.group(plan).id.apply(int),
            firewall_ids=[wall.id.apply(int) for wall in walls],
            public_nets=[self._public_net()],
            labels=self._labels,
            delete_protection=kept,
            rebuild_protection=kept,
            shutdown_before_deletion=True,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=SETTLED, protect=kept),
        )
        self.attached = hcloud.ServerNetwork(
            self.name,
            server_id=self.machine.id.apply(int),
            subnet_id=ground.subnet.id,
            ip=str(address),
            opts=child,
        )
        self.volume = self._volume() if plan.volume_gb else None
        self.register_outputs({"address": self.machine.ipv4_address})

    def _public_net(self) -> hcloud.ServerPublicNetArgs:
        """Return an address of each family; those in DNS outlive the server."""
        net = hcloud.ServerPublicNetArgs(ipv4_enabled=True, ipv6_enabled=True)
        if self.is_public:
            net.ipv4, net.ipv6 = self._fixed("ipv4"), self._fixed("ipv6")
        return net

    def _fixed(self, family: str) -> pulumi.Output[int]:
        """Return the id of an address of the server's own that stays when the server goes."""
        name = f"{self.name}-{family}"
        fixed = hcloud.PrimaryIp(
            name,
            name=name,
            type=family,
            assignee_type="server",
            location=self._config.location,
            auto_delete=False,
            delete_protection=self._config.keeps_data,
            labels=self._labels,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=["location"]),
        )
        return fixed.id.apply(int)

    def _volume(self) -> hcloud.Volume:
        kept = self._config.keeps_data
        volume = hcloud.Volume(
            self.name,
            name=self.name,
            size=self._plan.volume_gb,
            location=self._config.location,
            format="ext4",
            delete_protection=kept,
            labels=self._labels,
            opts=pulumi.ResourceOptions(
                parent=self, protect=kept, ignore_changes=["location", "format"]
            ),
        )
        hcloud.VolumeAttachment(
            self.name,
            volume_id=volume.id.apply(int),
            server_id=self.machine.id.apply(int),
            automount=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[self.attached]),
        )
        return volume
