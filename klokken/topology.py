"""A topology: the tiers of a site, how many hosts each has, and where they are."""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue, model_validator

from klokken.document import Document

# The range set aside for benchmarking networks, RFC 2544; nothing else is routed there.
BENCHMARK_RANGE = IPv4Network("198.18.0.0/15")
# Address .1 is the machine's own; hosts begin at .11, so that tens are free for later needs.
FIRST_HOST = 11
# Each tier has so many addresses in a network of /24, twice as many in one of /23, and so on.
BLOCK = 20
# The role variable for what a load generator's pupils come from beside the host's own address.
SOURCES = "loadgen_addresses"

# RFC 1035, 2.3.4.
LONGEST_DOMAIN = 253
SMALLEST_LAB = 24

_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN = re.compile(rf"{_LABEL}(\.{_LABEL})+")


def _domain(value: str) -> str:
    if len(value) > LONGEST_DOMAIN or not _DOMAIN.fullmatch(value):
        raise ValueError("not a domain name such as skole.test")
    return value


def _lab_network(value: IPv4Network) -> IPv4Network:
    if not value.subnet_of(BENCHMARK_RANGE):
        raise ValueError(f"not inside {BENCHMARK_RANGE}, the range for benchmarks")
    if value.prefixlen > SMALLEST_LAB:
        raise ValueError("too small: give a /24 or larger")
    return value


def _listed(value: JsonValue) -> list[IPv4Address]:
    if not isinstance(value, list):
        raise ValueError(f"`{SOURCES}` is not a list")  # noqa: TRY004 - pydantic shows this one
    return [IPv4Address(str(each)) for each in value]


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
    """A site before anything of it exists."""

    domain: Annotated[str, AfterValidator(_domain)]
    network: Annotated[IPv4Network, AfterValidator(_lab_network)]
    accounts: Annotated[int, Field(ge=1, le=2_000_000, strict=True)]
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
            for name, variables in size.hosts.items():
                if name not in there:
                    raise ValueError(
                        f"`tiers.{tier}.hosts` has {name!r}, which is no host of the tier;"
                        f" choose {', '.join(there)}"
                    )
                if "ansible_host" in variables:
                    raise ValueError(
                        f"`tiers.{tier}.hosts.{name}` has `ansible_host`, which the network gives"
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
        taken: set[IPv4Address] = set()
        for name, variables in size.hosts.items():
            for given in _listed(variables.get(SOURCES, [])):
                place = f"`tiers.loadgen.hosts.{name}.{SOURCES}`"
                if given in taken or given not in self._free():
                    raise ValueError(
                        f"{place} has {given}; give addresses from {self._free()[0]} to"
                        f" {self._free()[-1]}, each once"
                    )
                taken.add(given)
        return self

    def _free(self) -> list[IPv4Address]:
        """Return the addresses behind those of every host there can be."""
        return list(self.network.hosts())[FIRST_HOST + self._block * len(Tier) - 1 :]

    @property
    def _block(self) -> int:
        """How many addresses each tier has."""
        return int(BLOCK << (SMALLEST_LAB - self.network.prefixlen))

    @model_validator(mode="after")
    def _room_for_all(self) -> Topology:
        for tier, size in self.tiers.items():
            if size.count > self._block:
                raise ValueError(
                    f"`tiers.{tier}.count` is {size.count}, but a network of"
                    f" /{self.network.prefixlen} has {self._block} addresses a tier; give a larger"
                )
        return self

    def hosts(self) -> list[HostPlan]:
        """Return every host with its fixed address, tier by tier.

        A tier has a block of addresses, so that growing one never moves another.
        """
        return [
            HostPlan(
                name=f"{tier}{number}",
                tier=tier,
                address=self.network[
                    FIRST_HOST + self._block * list(Tier).index(tier) + number - 1
                ],
                volume_gb=self.tiers[tier].volume_gb,
            )
            for tier in Tier
            for number in range(1, self.tiers[tier].count + 1)
        ]


class HostPlan(Document):
    """One host of a topology: a name, a tier, an address and the size of its data volume."""

    name: str
    tier: Tier
    address: IPv4Address
    volume_gb: int = 0
