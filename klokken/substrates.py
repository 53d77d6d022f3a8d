"""What a site can stand on, and what each substrate must be told.

A stack's config names one: `substrate: lab`, or `substrate: {kind: ...}` with its settings.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from klokken.clouds.hetzner import Hetzner
from klokken.clouds.openstack import OpenStack
from klokken.clouds.proxmox import Proxmox
from klokken.document import Document
from klokken.errors import InputError

if TYPE_CHECKING:
    from klokken.topology import Topology

# The range set aside for benchmarking networks, RFC 2544; nothing else is routed there.
BENCHMARK_RANGE = IPv4Network("198.18.0.0/15")
# The bridge is called kl-<stack> and Linux allows 15 characters.
LONGEST_LAB_NAME = 10


class Lab(Document):
    """Debian systems in containers on this machine."""

    kind: Literal["lab"] = "lab"

    def check(self, stack: str, site: Topology, source: object) -> None:
        """Raise InputError where this substrate cannot hold `site` as the stack called `stack`."""
        if len(stack) > LONGEST_LAB_NAME:
            mend = f"use at most {LONGEST_LAB_NAME} characters"
            raise InputError("stack", stack, "too long a name for a lab", mend)
        if not site.network.subnet_of(BENCHMARK_RANGE):
            problem = f"{site.network} is not inside {BENCHMARK_RANGE}, the range for benchmarks"
            raise InputError(source, "klokken.site.network", problem, "correct it")
        site.require_planned(source)


class Servers(Document):
    """Hosts that exist, listed in `inventories/<stack>/hosts.yml` by a person."""

    kind: Literal["servers"]

    def check(self, _stack: str, _site: Topology, _source: object) -> None:
        """Find nothing wrong: what there is to check stands in the list of the hosts."""


def _with_kind(value: Any) -> Any:
    """Take a bare name for a substrate without settings."""
    return {"kind": value} if isinstance(value, str) else value


Substrate = Annotated[
    Annotated[Lab | Servers | Hetzner | OpenStack | Proxmox, Field(discriminator="kind")],
    BeforeValidator(_with_kind),
]
