"""The substrate `lab`: the hosts of a topology as Debian systems on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi

from klokken.topology import Tier, Topology
from stacks.hosts import Hosts
from stacks.lab.folder import LabFolder
from stacks.lab.host import HostSpec
from stacks.lab.image import image_key
from stacks.lab.resources import Ground, Host, Network

if TYPE_CHECKING:
    from collections.abc import Mapping

# The generator shares the machine's cores with what it loads: it goes first, or its lateness
# would measure the platform's hunger. A site gives logins most of its cores, and none of them to
# anybody else: a Keycloak that starts again while the others carry an exam finds them here.
WEIGHTS = {Tier.LOADGEN: 16, Tier.IDENTITY: 4}


class Lab(pulumi.ComponentResource):
    """A topology on this machine; `instances` are its hosts' data ids by host name."""

    instances: Mapping[str, pulumi.Output[str]]

    def __init__(self, stack: str, topology: Topology) -> None:
        """Declare ground, network and hosts."""
        super().__init__("klokken:lab:Lab", stack)
        network, addresses = str(topology.network), topology.addresses()
        volumes = {plan.name: plan.volume_gb for plan in topology.hosts()}
        ground = Ground(stack, volumes, pulumi.ResourceOptions(parent=self))
        bridge = Network(stack, network, pulumi.ResourceOptions(parent=self, depends_on=[ground]))
        child = pulumi.ResourceOptions(parent=self, depends_on=[bridge])
        self.instances = {
            plan.name: Host(
                HostSpec(
                    stack=stack,
                    name=plan.name,
                    address=str(addresses[plan.name]),
                    network=network,
                    image=image_key(),
                    weight=WEIGHTS.get(plan.tier, 1),
                    volume_gb=plan.volume_gb,
                ),
                child,
            ).instance
            for plan in topology.hosts()
        }
        self.register_outputs({"instances": self.instances})


def lab(stack: str, topology: Topology) -> Hosts:
    """Declare a lab; return its hosts, which can be reached over SSH as root."""
    folder = LabFolder(stack)
    addresses = {name: str(address) for name, address in topology.addresses().items()}
    return Hosts(
        instances=Lab(stack, topology).instances,
        own={name: {"ansible_host": a, "site_address": a} for name, a in addresses.items()},
        shared={
            "ansible_ssh_private_key_file": str(folder.key),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={folder.known_hosts}",
        },
        gate={"network": str(topology.network)},
    )
