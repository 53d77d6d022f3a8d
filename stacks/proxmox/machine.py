"""One virtual machine of a site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_proxmoxve as proxmoxve

from klokken.clouds.settings import WITH_DATA

if TYPE_CHECKING:
    from klokken.clouds.proxmox import Proxmox
    from klokken.topology import HostPlan, Topology
    from stacks.proxmox.ground import Ground

# A change of any of these would make another machine in the place of one with data on it.
# A name inside another is the cluster's own: Pulumi translates only the outermost.
SETTLED = ["initialization", "disks[0].importFrom", "node_name"]
# The account that cloud-init gives the first SSH key to.
ACCOUNT = "debian"
DATA_SERIAL = "klokken-data"
MB_A_GB = 1000


class Machine(pulumi.ComponentResource):
    """A virtual machine with the address of its plan, on a node that its tier's others are not."""

    def __init__(
        self,
        stack: str,
        config: Proxmox,
        site: Topology,
        plan: HostPlan,
        ground: Ground,
    ) -> None:
        """Declare it."""
        self.name = f"{stack}-{plan.name}"
        super().__init__("klokken:proxmox:Machine", self.name, opts=ground.within)
        size = config.size_of(plan.tier)
        number = int(plan.name.removeprefix(plan.tier))
        node = config.node_of(plan.tier, number)
        kept = config.keeps_data and plan.tier in WITH_DATA
        labels = config.labels(stack) | {"tier": plan.tier.value}
        self.machine = proxmoxve.VmLegacy(
            self.name,
            name=self.name,
            node_name=node,
            tags=sorted(f"{key}-{value}" for key, value in labels.items()),
            cpu=proxmoxve.VmLegacyCpuArgs(cores=size.cores, type="x86-64-v2-AES"),
            memory=proxmoxve.VmLegacyMemoryArgs(dedicated=size.memory_gb * MB_A_GB),
            scsi_hardware="virtio-scsi-single",
            disks=_disks(config, plan, ground.images[node].id),
            network_devices=[
                proxmoxve.VmLegacyNetworkDeviceArgs(
                    bridge=config.bridge, model="virtio", vlan_id=config.vlan
                )
            ],
            initialization=_first_boot(config, site, plan, ground.key),
            operating_system=proxmoxve.VmLegacyOperatingSystemArgs(type="l26"),
            serial_devices=[proxmoxve.VmLegacySerialDeviceArgs()],
            on_boot=True,
            protection=kept,
            opts=pulumi.ResourceOptions(parent=self, ignore_changes=SETTLED, protect=kept),
        )
        self.register_outputs({})


def _disks(
    config: Proxmox, plan: HostPlan, image: pulumi.Output[str]
) -> list[proxmoxve.VmLegacyDiskArgs]:
    """Return the disk of the system, and that of the data where there is one."""
    system = proxmoxve.VmLegacyDiskArgs(
        interface="scsi0",
        datastore_id=config.datastore,
        import_from=image,
        size=config.size_of(plan.tier).disk_gb,
        discard="on",
        iothread=True,
    )
    if not plan.volume_gb:
        return [system]
    data = proxmoxve.VmLegacyDiskArgs(
        interface="scsi1",
        datastore_id=config.datastore,
        size=plan.volume_gb,
        serial=DATA_SERIAL,
        discard="on",
        iothread=True,
        backup=True,
    )
    return [system, data]


def _first_boot(
    config: Proxmox, site: Topology, plan: HostPlan, key: str
) -> proxmoxve.VmLegacyInitializationArgs:
    """Return what cloud-init is told: the address, the resolvers and one SSH key."""
    address = site.addresses()[plan.name]
    return proxmoxve.VmLegacyInitializationArgs(
        datastore_id=config.datastore,
        ip_configs=[
            proxmoxve.VmLegacyInitializationIpConfigArgs(
                ipv4=proxmoxve.VmLegacyInitializationIpConfigIpv4Args(
                    address=f"{address}/{site.network.prefixlen}", gateway=str(config.gateway)
                )
            )
        ],
        dns=proxmoxve.VmLegacyInitializationDnsArgs(
            domain=site.domain, servers=[str(server) for server in config.name_servers]
        ),
        user_account=proxmoxve.VmLegacyInitializationUserAccountArgs(username=ACCOUNT, keys=[key]),
    )
