"""From a stack's config to hosts: the one place that knows all substrates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.clouds.hetzner import Hetzner
from klokken.clouds.openstack import OpenStack
from klokken.clouds.proxmox import Proxmox
from klokken.substrates import Lab, Servers

if TYPE_CHECKING:
    from klokken.stackconfig import StackConfig
    from stacks.hosts import Hosts


def stand(stack: str, config: StackConfig) -> Hosts:
    """Declare the hosts of `stack` on its substrate.

    A component is imported when it is needed: each has libraries of its own.
    """
    match config.substrate:
        case Lab():
            from stacks.lab.component import lab  # noqa: PLC0415

            return lab(stack, config.site)
        case Servers():
            from stacks.servers.component import servers  # noqa: PLC0415

            return servers(stack, config.site)
        case Hetzner():
            from stacks.hetzner.component import hetzner  # noqa: PLC0415

            return hetzner(stack, config.substrate, config.site)
        case OpenStack():
            from stacks.openstack.component import openstack  # noqa: PLC0415

            return openstack(stack, config.substrate, config.site)
        case Proxmox():
            from stacks.proxmox.component import proxmox  # noqa: PLC0415

            return proxmox(stack, config.substrate, config.site)
