"""An inventory: the hosts that there are, in the form that Ansible reads."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import ConfigDict, Field, JsonValue

from klokken.document import Document, read_yaml, validated
from klokken.roles import require_known
from klokken.topology import STACK_NAME, Accounts, Domain, Private, Tier

# What a substrate may say of a host beside its fields; the rest is for the roles of its tier.
BECOME = "ansible_become"
HEADER = "# Written by `pulumi up`. Changes here are lost.\n"


class Host(Document):
    """A host that exists; the rest are its own role variables.

    `ansible_host` is where SSH reaches it, `site_address` where the other hosts do.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    ansible_host: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*$")]
    ansible_port: Annotated[int, Field(ge=1, le=65535, strict=True)] = 22
    ansible_user: Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_-]*$")] = "root"
    site_address: IPv4Address


class Ways(Document):
    """How SSH reaches the hosts of a site; what all of them share."""

    ansible_ssh_private_key_file: Path
    ansible_ssh_common_args: str


class SiteVars(Ways):
    """What every role may know of the site, and how hosts are reached.

    `site_management` are the networks that hosts may be reached from by SSH; empty means any.
    """

    site_stack: Annotated[str, Field(pattern=STACK_NAME)]
    site_domain: Domain
    site_network: Private
    site_accounts: Accounts
    site_storms: Annotated[bool, Field(strict=True)]
    site_management: list[IPv4Network] = Field(default_factory=list)
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
        found = validated(cls, read_yaml(path), path)
        for tier, group in found.all.children.items():
            place = f"all.children.{tier}"
            require_known(tier, group.vars, path, f"{place}.vars")
            for name, host in group.hosts.items():
                own = {k: v for k, v in host.__pydantic_extra__.items() if k != BECOME}
                require_known(tier, own, path, f"{place}.hosts.{name}")
        return found

    def to_yaml(self) -> str:
        """Return the inventory as the text of its file."""
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
