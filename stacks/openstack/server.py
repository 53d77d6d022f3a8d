"""One server of a site: its port, its disks, and the address that SSH reaches it at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_openstack import blockstorage, compute, images, networking

from klokken.clouds.settings import WITH_DATA, Front
from klokken.topology import HostPlan, Tier
from stacks.openstack.ground import tags

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from klokken.clouds.openstack import OpenStack
    from stacks.openstack.ground import Ground

# A change of any of these would make another server in the place of one with data on it.
SETTLED = ["image_id", "image_name", "key_pair", "user_data", "block_devices"]
# The account that Debian's cloud images give the first SSH key to.
ACCOUNT = "debian"


class Server(pulumi.ComponentResource):
    """A server in the site's network. `address` is its public one, `device` its data's disk."""

    def __init__(
        self,
        stack: str,
        config: OpenStack,
        plan: HostPlan,
        address: IPv4Address,
        ground: Ground,
    ) -> None:
        """Declare it under the name of its plan."""
        self.name = f"{stack}-{plan.name}"
        super().__init__("klokken:openstack:Server", self.name, opts=ground.within)
        self._config, self._plan, self._ground = config, plan, ground
        kind = config.type_of(plan.tier)
        self._labels = config.labels(stack) | {
            "tier": plan.tier.value,
            "cloud": config.cloud,
            "kind": kind,
        }
        self._kept = config.keeps_data and plan.tier in WITH_DATA
        self._child = pulumi.ResourceOptions(parent=self)
        self.port = networking.Port(
            self.name,
            name=self.name,
            network_id=ground.network.id,
            fixed_ips=[
                networking.PortFixedIpArgs(subnet_id=ground.subnet.id, ip_address=str(address))
            ],
            security_group_ids=[group.id for group in self._groups()],
            tags=tags(self._labels),
            opts=self._child,
        )
        floating = config.profile.floating.value
        nets = [compute.InstanceNetworkArgs(port=self.port.id)]
        if not floating:
            # Of two networks, the first is the one that a host is said to be reached in otherwise.
            public = self._public_port().id
            nets.append(compute.InstanceNetworkArgs(port=public, access_network=True))
        self.machine = self._machine(config.flavour(kind), nets)
        self.address = self._floating() if floating else self.machine.access_ip_v4
        self.device = self._volume() if plan.volume_gb else None
        self.register_outputs({"address": self.address})

    def _groups(self) -> list[networking.SecGroup]:
        ground = self._ground
        # Behind a balancer an edge is reached from inside the network alone.
        at_edge = self._plan.tier is Tier.EDGE and self._config.front is Front.ADDRESS
        return [ground.management, ground.inside] + [ground.web] * at_edge

    def _machine(self, flavour: str, nets: list[compute.InstanceNetworkArgs]) -> compute.Instance:
        image = self._config.image or self._config.profile.image.value
        own_disk = self._config.profile.own_disk.value
        return compute.Instance(
            self.name,
            name=self.name,
            flavor_name=flavour,
            image_name=image if own_disk else None,
            block_devices=None if own_disk else [self._boot(image)],
            key_pair=self._ground.key.name,
            networks=nets,
            scheduler_hints=[
                compute.InstanceSchedulerHintArgs(group=self._ground.spread[self._plan.tier].id)
            ],
            metadata=self._labels,
            stop_before_destroy=True,
            opts=pulumi.ResourceOptions(
                parent=self,
                ignore_changes=SETTLED,
                protect=self._kept,
                # Without a way out cloud-init would wait for a network that leads nowhere.
                depends_on=self._ground.way_out,
            ),
        )

    def _boot(self, image: str) -> compute.InstanceBlockDeviceArgs:
        """Return the volume that a host without a disk of its own boots from."""
        found = images.get_image_output(
            name=image, most_recent=True, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        return compute.InstanceBlockDeviceArgs(
            source_type="image",
            destination_type="volume",
            uuid=found.id,
            boot_index=0,
            volume_size=self._config.disk_gb,
            volume_type=self._config.profile.encrypted.value or None,
            delete_on_termination=not self._kept,
        )

    def _public_port(self) -> networking.Port:
        """Return a port on the external network itself, where that is how a host is reached."""
        external = networking.get_network_output(
            name=self._ground.external, opts=pulumi.InvokeOutputOptions(parent=self)
        )
        groups = [each for each in self._groups() if each is not self._ground.inside]
        return networking.Port(
            f"{self.name}-public",
            name=f"{self.name}-public",
            network_id=external.id,
            security_group_ids=[group.id for group in groups],
            tags=tags(self._labels),
            opts=self._child,
        )

    def _floating(self) -> pulumi.Output[str]:
        fixed = networking.FloatingIp(
            self.name,
            pool=self._ground.external,
            tags=tags(self._labels),
            # That of an edge is in DNS.
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=self._config.keeps_data and self._plan.tier is Tier.EDGE,
            ),
        )
        networking.FloatingIpAssociate(
            self.name,
            floating_ip=fixed.address,
            port_id=self.port.id,
            opts=pulumi.ResourceOptions(
                parent=self, depends_on=[*self._ground.way_out, self.machine]
            ),
        )
        return fixed.address

    def _volume(self) -> pulumi.Output[str]:
        volume = blockstorage.Volume(
            self.name,
            name=self.name,
            size=self._plan.volume_gb,
            volume_type=self._config.profile.encrypted.value or None,
            metadata=self._labels,
            opts=pulumi.ResourceOptions(parent=self, protect=self._config.keeps_data),
        )
        at = compute.VolumeAttach(
            self.name, instance_id=self.machine.id, volume_id=volume.id, opts=self._child
        )
        return at.device
