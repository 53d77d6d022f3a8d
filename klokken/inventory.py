"""An inventory: the hosts that there are, in the form that Ansible reads."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, Field, JsonValue

from klokken.document import Document, read_yaml, validated
from klokken.topology import Tier

HEADER = "# Written by `pulumi up`. Changes here are lost.\n"


class Host(Document):
    """A host that exists and can be reached over SSH; the rest are its own role variables."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    ansible_host: IPv4Address


class SiteVars(Document):
    """What every role may know of the site, and how hosts are reached."""

    site_stack: str
    site_domain: str
    site_network: IPv4Network
    site_accounts: Annotated[int, Field(ge=1)]
    site_storms: bool
    ansible_user: str
    ansible_ssh_private_key_file: Path
    ansible_ssh_common_args: str
    ansible_python_interpreter: str = "/usr/bin/python3"


class Group(Document):
    """The hosts of one tier, and the role variables set for it."""

    hosts: dict[str, Host]
    vars: dict[str, JsonValue] = Field(default_factory=dict)


class Everything(Document):
    """The group `all` of Ansible."""

    vars: SiteVars
    children: dict[Tier, Group]


class Inventory(Document):
    """A site whose hosts exist."""

    all: Everything

    @classmethod
    def read(cls, path: Path) -> Inventory:
        """Read the inventory file at `path`, or raise InputError."""
        return validated(cls, read_yaml(path), path)

    def to_yaml(self) -> str:
        """Return the inventory as the text of a hosts.yml."""
        body: Any = self.model_dump(mode="json")
        return HEADER + yaml.safe_dump(body, sort_keys=False)

    @property
    def site(self) -> SiteVars:
        """The variables of the whole site."""
        return self.all.vars

    def hosts(self, tier: Tier | None = None) -> dict[str, Host]:
        """Return the hosts of `tier`, or all of them, by name."""
        groups = self.all.children
        return {n: h for t, g in groups.items() if tier in (None, t) for n, h in g.hosts.items()}
