"""A topology: the tiers of a site, how many hosts each has, and where they are."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, model_validator

from klokken.document import Document
from klokken.errors import InputError

# Address .1 is the gateway's; hosts begin at .11, so that tens are free for later needs.
FIRST_HOST = 11
# Each tier has so many addresses in a network of /24, twice as many in one of /23, and so on.
BLOCK = 20
# What all blocks of addresses together need.
SMALLEST_PLANNED = 24
# The role variable for what a load generator's pupils come from beside the host's own address.
SOURCES = "loadgen_addresses"

STACK_NAME = r"^[a-z][a-z0-9-]{0,29}$"
# RFC 1035, 2.3.4.
LONGEST_DOMAIN = 253

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")


def _is_domain(value: str) -> str:
    if len(value) > LONGEST_DOMAIN or not _DOMAIN.fullmatch(value):
        raise ValueError("not a domain name such as skole.test")
    return value


def _is_private(value: IPv4Network) -> IPv4Network:
    if not value.is_private:
        raise ValueError("not private: what hosts say to one another is for nobody else")
    return value


def _listed(value: JsonValue) -> list[IPv4Address]:
    if not isinstance(value, list):
        raise ValueError(f"`{SOURCES}` is not a list")  # noqa: TRY004 - pydantic shows this one
    return [IPv4Address(str(each)) for each in value]


Domain = Annotated[str, AfterValidator(_is_domain)]
Private = Annotated[IPv4Network, AfterValidator(_is_private)]
Accounts = Annotated[int, Field(ge=1, le=2_000_000, strict=True)]


class Tier(StrEnum):
    """What a host is for. The order is the order in which tiers are configured."""

    DATABASE = "database"
    IDENTITY = "identity"
    DRIVE = "drive"
    EDGE = "edge"
    METRICS = "metrics"
    LOADGEN = "loadgen"


class TierSize(Document):
    """How many hosts a tier has, and the role variables that differ from the defaults.

    `volume_gb` is the size of a data volume of each host's own, in units of 10^9 bytes; with 0
    the data lies on the host's one disk. `hosts` has the variables of single hosts, by name.
    """

    count: Annotated[int, Field(ge=1, le=500, strict=True)] = 1
    volume_gb: Annotated[int, Field(ge=0, le=16_000, strict=True)] = 0
    variables: dict[str, JsonValue] = Field(default_factory=dict)
    hosts: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)


class Topology(Document):
    """A site before anything of it exists. `network` is the private one that its hosts share."""

    domain: Domain
    network: Private
    accounts: Accounts
    tiers: dict[Tier, TierSize]

    @model_validator(mode="before")
    @classmethod
    def _every_tier(cls, value: Any) -> Any:
        """Give each tier that is not named its default size; `null` means the same."""
        if isinstance(value, dict) and isinstance(value.get("tiers", {}), dict):
            named = {k: v if v is not None else {} for k, v in value.get("tiers", {}).items()}
            value = {**value, "tiers": {**{t.value: {} for t in Tier}, **named}}
        return value

    @model_validator(mode="after")
    def _hosts_of_their_tier(self) -> Topology:
        for tier, size in self.tiers.items():
            there = [f"{tier}{number}" for number in range(1, size.count + 1)]
            for name in size.hosts:
                if name not in there:
                    raise ValueError(
                        f"`tiers.{tier}.hosts` has {name!r}, which is no host of the tier;"
                        f" choose {', '.join(there)}"
                    )
        return self

    @model_validator(mode="after")
    def _further_addresses(self) -> Topology:
        """Let each load generator have addresses of its own that nobody else will ever have."""
        size = self.tiers[Tier.LOADGEN]
        if SOURCES in size.variables:
            raise ValueError(
                f"`tiers.loadgen.variables` has `{SOURCES}`, which no two hosts can share;"
                " give them to single hosts, under `hosts`"
            )
        # Those behind the addresses of every host there can be.
        first = self.network.network_address + FIRST_HOST + self.block * len(Tier)
        last = self.network.broadcast_address - 1
        taken: set[IPv4Address] = set()
        for name, variables in size.hosts.items():
            for given in _listed(variables.get(SOURCES, [])):
                place = f"`tiers.loadgen.hosts.{name}.{SOURCES}`"
                if given in taken or not first <= given <= last:
                    raise ValueError(
                        f"{place} has {given}; give addresses from {first} to {last}, each once"
                    )
                taken.add(given)
        return self

    @property
    def block(self) -> int:
        """How many addresses each tier has, where the substrate is free to choose them."""
        return int(BLOCK << max(0, SMALLEST_PLANNED - self.network.prefixlen))

    def hosts(self) -> list[HostPlan]:
        """Return every host, tier by tier."""
        return [
            HostPlan(name=f"{tier}{number}", tier=tier, volume_gb=self.tiers[tier].volume_gb)
            for tier in Tier
            for number in range(1, self.tiers[tier].count + 1)
        ]

    def addresses(self) -> dict[str, IPv4Address]:
        """Return a fixed address for every host, where the substrate is free to choose it.

        A tier has a block of addresses, so that growing one never moves another. The network must
        be a /24 or larger, and no tier larger than its block.
        """
        return {
            f"{tier}{number}": self.network[FIRST_HOST + self.block * place + number - 1]
            for place, tier in enumerate(Tier)
            for number in range(1, self.tiers[tier].count + 1)
        }

    def require_planned(self, source: object) -> None:
        """Raise InputError unless the network has an address for each host."""
        if self.network.prefixlen > SMALLEST_PLANNED:
            problem = f"{self.network} is too small"
            raise InputError(source, "klokken.site.network", problem, "give a /24 or larger")
        for tier, size in self.tiers.items():
            if size.count > self.block:
                problem = f"is {size.count}, but {self.network} has {self.block} addresses a tier"
                field = f"klokken.site.tiers.{tier}.count"
                raise InputError(source, field, problem, "give a larger network")


class HostPlan(Document):
    """One host of a topology: a name, a tier and the size of its data volume."""

    name: str
    tier: Tier
    volume_gb: int = 0
