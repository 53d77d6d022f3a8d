"""A price list: what hosts, storage and traffic of one provider cost, dated and with its source.

Prices are EUR, a month where nothing else is said, net of VAT. GB are 10^9 bytes.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, model_validator

from klokken.capacity.money import MONTHS
from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.figure import Figure, Positive

if TYPE_CHECKING:
    from collections.abc import Sequence

PRICES = Path(__file__).parent / "prices"
# Prices that nobody has looked at for longer than this are no prices.
_OLDEST = timedelta(days=366)
_HOURS_A_MONTH = 730

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, le=1)]


class Bought(Document):
    """A server that is bought: its price, what it draws on average, and its height in a rack."""

    eur: Amount
    watts: Amount
    units: Amount


class Depreciation(Document):
    """What a server that is bought costs a month beside its price."""

    years: Figure[Positive]
    kwh_eur: Figure[Amount]
    cooling: Figure[Positive]
    unit_eur_month: Figure[Amount]
    staff_hours_month: Figure[Amount]
    staff_hour_eur: Figure[Amount]

    def month(self, bought: Bought) -> float:
        """Return what it costs a month: price over its years, power, place and staff."""
        energy = bought.watts / 1000 * _HOURS_A_MONTH * self.cooling.value * self.kwh_eur.value
        place = bought.units * self.unit_eur_month.value
        staff = self.staff_hours_month.value * self.staff_hour_eur.value
        return bought.eur / (self.years.value * MONTHS) + energy + place + staff


class HostKind(Document):
    """A kind of host; `disk_gb` is what is in it, 0 where everything lies on volumes.

    It has either a price a month, or what it is bought for.
    """

    vcpu: Annotated[int, Field(ge=1, le=1024, strict=True)]
    dedicated: bool
    memory_gb: Annotated[float, Field(gt=0)]
    disk_gb: Amount
    eur_month: Amount | None = None
    bought: Bought | None = None
    orderable: bool = True

    @model_validator(mode="after")
    def _priced(self) -> HostKind:
        if (self.eur_month is None) == (self.bought is None):
            raise ValueError("give either `eur_month` or `bought`")
        return self


class PriceList(Document):
    """What one provider takes, and what its hosts can be counted on for.

    `shared_core` is the share of a vCPU that counts as a core where it is not `dedicated`.
    """

    provider: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")]
    title: str
    dated: date
    valid_until: date
    source: Annotated[str, Field(min_length=1)]
    hosts: Annotated[dict[str, HostKind], Field(min_length=1)]
    depreciation: Depreciation | None = None
    shared_core: Figure[Share]
    # How fast a core is against one of the machine that demands were measured on.
    core_speed: Figure[Positive]
    # Writes a second: on the disk in a host, where kinds have one, and on a volume.
    disk_iops: Figure[Positive] | None = None
    volume_iops: Figure[Positive]
    volume_gb_most: Figure[Positive]
    host_mbit: Figure[Positive]
    # A public IPv4 address that comes neither with a host nor with a balancer.
    address_eur_month: Figure[Amount]
    balancer_eur_month: Figure[Amount]
    balancer_connections: Figure[Positive]
    block_gb_eur_month: Figure[Amount]
    object_gb_eur_month: Figure[Amount]
    traffic_included_tb: Figure[Amount]
    traffic_tb_eur: Figure[Amount]

    @model_validator(mode="after")
    def _consistent(self) -> PriceList:
        if not self.dated <= self.valid_until <= self.dated + _OLDEST:
            raise ValueError("`valid_until` must be within a year after `dated`")
        if self.disk_iops is None and any(kind.disk_gb for kind in self.hosts.values()):
            raise ValueError("`hosts` has one with a disk, which needs `disk_iops`")
        if self.depreciation is None and any(kind.bought for kind in self.hosts.values()):
            raise ValueError("`hosts` has one that is `bought`, which needs `depreciation`")
        return self

    @classmethod
    def read(cls, path: Path, today: date) -> PriceList:
        """Read the file at `path`; raise InputError where it is wrong or no longer valid."""
        found = validated(cls, read_yaml(path), path)
        if today > found.valid_until:
            raise InputError(
                path,
                "valid_until",
                f"the prices expired on {found.valid_until}",
                "look them up anew and date them",
            )
        return found

    def month(self, kind: str) -> float:
        """Return what a host of this kind costs, EUR a month."""
        host = self.hosts[kind]
        if host.bought and self.depreciation:
            return self.depreciation.month(host.bought)
        return host.eur_month or 0.0

    def cores(self, kind: str) -> int:
        """Return how many whole cores of a host of this kind can be counted on; 0 where none."""
        host = self.hosts[kind]
        return int(host.vcpu * (1.0 if host.dedicated else self.shared_core.value))


def price_lists(
    today: date, providers: Sequence[str] = (), folder: Path = PRICES
) -> list[PriceList]:
    """Return the lists of `providers`, or all there are; raise InputError."""
    there = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    for provider in providers:
        if provider not in there:
            raise InputError(
                "provider", provider, "there is no price list of it", f"choose {', '.join(there)}"
            )
    return [PriceList.read(there[name], today) for name in providers or there]
