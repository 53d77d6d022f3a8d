"""The substrate `servers`: hosts that exist, as a person has listed them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.servers.listing import ServerList
from stacks.hosts import Hosts
from stacks.servers.resource import Adoption

if TYPE_CHECKING:
    from klokken.topology import Topology


def servers(stack: str, topology: Topology) -> Hosts:
    """Declare the adoption of the listed hosts; return them. Raises InputError."""
    listed = ServerList.read(stack, topology)
    own = {plan.name: listed.variables(plan.name) for plan in topology.hosts()}
    shared = listed.shared(stack)
    instances = Adoption(stack, own, shared).instances
    return Hosts(
        instances={name: instances[name] for name in own},
        own=own,
        shared=shared,
    )
