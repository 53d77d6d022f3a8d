"""Proxmox VE: virtual machines on a cluster that the kommune has."""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import Annotated, Literal

from pydantic import Field, HttpUrl, UrlConstraints

from klokken.clouds.settings import FIELD, Cloud, require_volumes
from klokken.document import Document
from klokken.errors import InputError
from klokken.topology import Tier, Topology

Https = Annotated[HttpUrl, UrlConstraints(allowed_schemes=["https"])]
VOLUME_GB = range(1, 16_001)
_TOKEN = re.compile(r"[^@!=\s]+@[^@!=\s]+![^@!=\s]+=[0-9a-f-]{36}")


class Size(Document):
    """How large a virtual machine is; GB are 10^9 bytes, as everywhere."""

    cores: Annotated[int, Field(ge=1, le=256, strict=True)]
    memory_gb: Annotated[int, Field(ge=1, le=4096, strict=True)]
    disk_gb: Annotated[int, Field(ge=10, le=16_000, strict=True)] = 40


class Image(Document):
    """The Debian cloud image to boot from, and what it must hash to."""

    url: Https
    sha512: Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class Proxmox(Cloud):
    """Virtual machines on some nodes of one cluster.

    The site's network is one that the cluster's bridge leads to, with its `gateway`; addresses of
    the plan must be free in it. `size` is that of every host, `sizes` of those of single tiers.
    """

    kind: Literal["proxmox"]
    endpoint: Https
    nodes: Annotated[list[str], Field(min_length=1)]
    datastore: str
    image_datastore: str = "local"
    image: Image
    bridge: str = "vmbr0"
    vlan: Annotated[int, Field(ge=1, le=4094, strict=True)] | None = None
    gateway: IPv4Address
    name_servers: Annotated[list[IPv4Address], Field(min_length=1)]
    size: Size
    sizes: dict[Tier, Size] = Field(default_factory=dict)

    def size_of(self, tier: Tier) -> Size:
        """Return the size of a host of a tier."""
        return self.sizes.get(tier, self.size)

    def node_of(self, tier: Tier, number: int) -> str:
        """Return the node of a tier's host, counted from 1: hosts of a tier are far apart.

        Tiers begin at different nodes, or the first would carry one host of each.
        """
        return self.nodes[(list(Tier).index(tier) + number - 1) % len(self.nodes)]

    def check(self, _stack: str, site: Topology, source: object) -> None:
        """Raise InputError where the cluster cannot hold `site`."""
        site.require_planned(source)
        if self.gateway not in site.network:
            problem = f"{self.gateway} is not in the site's network {site.network}"
            raise InputError(source, f"{FIELD}.gateway", problem, "correct one of them")
        if self.gateway in site.addresses().values():
            problem = f"{self.gateway} is the address of a host"
            raise InputError(source, f"{FIELD}.gateway", problem, "use one below .11")
        if len(set(self.nodes)) < len(self.nodes):
            raise InputError(source, f"{FIELD}.nodes", "has a node twice", "name each once")
        require_volumes(site, VOLUME_GB, source)


def require_token(token: str | None) -> str:
    """Return the token, or raise InputError where it has not the form that Proxmox gives them."""
    mend = "run `pulumi config set --secret proxmoxve:apiToken`, USER@REALM!NAME=UUID"
    if not token:
        raise InputError("proxmoxve:apiToken", "", "missing", mend)
    if not _TOKEN.fullmatch(token):
        raise InputError("proxmoxve:apiToken", "", "is not of a token's form", mend)
    return token
