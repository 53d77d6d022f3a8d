"""What every cloud must be told, and what is checked before anything is bought."""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from klokken.capacity.pricelist import PRICES, PriceList
from klokken.document import Document
from klokken.errors import InputError
from klokken.servers.listing import known_hosts_path
from klokken.topology import Tier, Topology

FIELD = "klokken.substrate"
# Whoever is let in from a wider network than this is not a few people's machines.
WIDEST_MANAGEMENT = 16
# The one tier whose role puts its data on a volume of its own.
WITH_VOLUME = Tier.DRIVE
# Whose own disk holds what cannot be made again.
WITH_DATA = (Tier.DATABASE, Tier.DRIVE)

Home = Annotated[Path, AfterValidator(Path.expanduser)]
# A name that every cloud takes as a label, a tag and a part of a host name.
Label = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]


_LETTERS = {"æ": "ae", "ø": "oe", "å": "aa"}


def label(name: str) -> str:
    """Return a kommune's name as a label."""
    plain = "".join(_LETTERS.get(letter, letter) for letter in name.lower())
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def _few(value: IPv4Network) -> IPv4Network:
    if value.prefixlen < WIDEST_MANAGEMENT:
        raise ValueError(f"wider than a /{WIDEST_MANAGEMENT}: SSH is for those who run the site")
    return value


class Purpose(StrEnum):
    """What a site is for: pupils' own data is kept from being deleted, a test's is not."""

    SCHOOL = "school"
    TEST = "test"


class Front(StrEnum):
    """Where pupils arrive: at fixed addresses of the edges, or at a balancer before them."""

    ADDRESS = "address"
    BALANCER = "balancer"


class Cloud(Document):
    """What is the same on every cloud.

    `ssh_key` is the private key that Ansible uses, with its public half beside it; `management`
    the networks that SSH is let in from.
    """

    owner: Label
    purpose: Purpose
    ssh_key: Home
    management: Annotated[list[Annotated[IPv4Network, AfterValidator(_few)]], Field(min_length=1)]

    @property
    def keeps_data(self) -> bool:
        """Whether disks with data are protected from being deleted."""
        return self.purpose is Purpose.SCHOOL

    def labels(self, stack: str) -> dict[str, str]:
        """Return what everything that is ordered is labelled with."""
        return {"owner": self.owner, "purpose": self.purpose.value, "stack": stack}

    def public_key(self, source: object) -> str:
        """Return the public half of the key, or raise InputError."""
        path = self.ssh_key.with_name(self.ssh_key.name + ".pub")
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError:
            mend = f"make one with `ssh-keygen -t ed25519 -f {self.ssh_key}`"
            problem = f"there is no file {path}"
            raise InputError(source, f"{FIELD}.ssh_key", problem, mend) from None

    def require_key(self, source: object) -> None:
        """Raise InputError unless both halves of the key are there."""
        self.public_key(source)
        if not self.ssh_key.exists():
            mend = "put it there: its public half alone opens no host"
            raise InputError(source, f"{FIELD}.ssh_key", f"there is no file {self.ssh_key}", mend)

    def shared(self, stack: str) -> dict[str, Any]:
        """Return the inventory variables of all hosts."""
        known = f"-o UserKnownHostsFile={known_hosts_path(stack)}"
        return {
            "ansible_ssh_private_key_file": str(self.ssh_key),
            "ansible_ssh_common_args": f"{known} -o StrictHostKeyChecking=yes",
            "site_management": [str(network) for network in self.management],
        }


class Priced(Cloud):
    """A cloud whose hosts are of kinds that its price list names.

    `type` is the kind of every host, `types` of those of single tiers. `discontinued` are kinds
    that are no longer sold, and that hosts of the stack are already of.
    """

    type: str
    types: dict[Tier, str] = Field(default_factory=dict)
    discontinued: list[str] = Field(default_factory=list)

    def type_of(self, tier: Tier) -> str:
        """Return the kind of host of a tier."""
        return self.types.get(tier, self.type)

    def require_kinds(self, provider: str, source: object) -> None:
        """Raise InputError unless the price list has every kind, and it is there to be had."""
        prices = price_list(provider)
        hosts = prices.hosts if prices else {}
        sold = [kind for kind, host in hosts.items() if host.orderable]
        choice = f"choose {', '.join(sold)}" if sold else "write one, as docs/sizing.md says"
        there = {kind.lower() for kind in [*sold, *self.discontinued]}
        named = {"type": self.type, **{f"types.{tier}": kind for tier, kind in self.types.items()}}
        for field, kind in named.items():
            if problem := unpriced(provider, kind):
                raise InputError(source, f"{FIELD}.{field}", problem, choice)
            if kind.lower() not in there:
                problem = f"{kind!r} can no longer be ordered"
                mend = f"{choice}, or add it to `discontinued` where hosts are of it already"
                raise InputError(source, f"{FIELD}.{field}", problem, mend)


@cache
def price_list(provider: str, folder: Path = PRICES) -> PriceList | None:
    """Return the price list of a provider, however old, or None where there is none.

    What a kind is does not expire; what it costs does.
    """
    path = folder / f"{provider}.yaml"
    return PriceList.read(path, date.min) if path.exists() else None


def unpriced(provider: str, kind: str) -> str:
    """Return why nobody knows what a kind of host costs, or nothing."""
    prices = price_list(provider)
    if prices is None:
        return f"there is no price list of {provider}"
    if kind.lower() not in map(str.lower, prices.hosts):
        return f"{kind!r} is not in the price list of {prices.title}"
    return ""


def require_volumes(site: Topology, sizes: range, source: object) -> None:
    """Raise InputError for a volume that no role uses, or that the cloud does not have."""
    for tier, size in site.tiers.items():
        if not size.volume_gb:
            continue
        field = f"klokken.site.tiers.{tier}.volume_gb"
        if tier is not WITH_VOLUME:
            problem = f"only the tier {WITH_VOLUME} keeps its data on a volume of its own"
            raise InputError(source, field, problem, "remove it")
        if size.volume_gb not in sizes:
            problem = f"{size.volume_gb} GB is no size of a volume"
            raise InputError(source, field, problem, f"give {sizes[0]} to {sizes[-1]}")
