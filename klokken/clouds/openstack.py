"""OpenStack: clouds within the EU, each with what is particular about it as data."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, HttpUrl, model_validator

from klokken.clouds.settings import FIELD, Front, Priced, require_volumes
from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.figure import Figure

if TYPE_CHECKING:
    from klokken.topology import Topology

PROFILES = Path(__file__).with_name("openstack.yaml")
# ISO 3166 codes of the EU's members.
EU = frozenset(
    (
        *("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE"),
        *("IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
    )
)
VOLUME_GB = range(1, 16_001)


class Region(Document):
    """A region: the country its data centres are in, and where its identity service answers."""

    country: str
    auth_url: HttpUrl


class Profile(Document):
    """What is particular about one cloud.

    `floating` says that a host is reached at an address of its own only by a floating one;
    without it a host has its public address on the `external_network` itself, beside the private
    one. `names_kinds` says that its price list names kinds as the cloud does. `own_disk` says that
    a flavour comes with a disk; without it a host boots from a volume. `encrypted` is the type of
    volume that the cloud encrypts, empty where it has none.
    """

    title: str
    regions: Annotated[dict[str, Region], Field(min_length=1)]
    external_network: Figure[str]
    resolvers: Figure[list[IPv4Address]]
    names_kinds: Figure[bool]
    floating: Figure[bool]
    own_disk: Figure[bool]
    octavia: Figure[bool]
    encrypted: Figure[str]
    image: Figure[str]

    @model_validator(mode="after")
    def _within_the_eu(self) -> Profile:
        for name, region in self.regions.items():
            if region.country not in EU:
                raise ValueError(f"region {name} is in {region.country}, outside the EU")
        return self


class Profiles(Document):
    """Every cloud that a stack may name."""

    clouds: dict[str, Profile]


@cache
def profiles() -> dict[str, Profile]:
    """Return the clouds that are known, by name."""
    return validated(Profiles, read_yaml(PROFILES), PROFILES).clouds


def _known(value: str) -> str:
    if value not in profiles():
        raise ValueError(f"not a cloud that is known; choose {', '.join(profiles())}")
    return value


class OpenStack(Priced):
    """Servers of one region of an OpenStack cloud.

    `entry` is the cloud's name in clouds.yaml, where the application credential is. `flavours`
    gives the name that the cloud has for a kind of its price list, where it is another.
    `name_servers` are what the hosts ask for names. The other fields go before what the profile
    says.
    """

    kind: Literal["openstack"]
    cloud: Annotated[str, AfterValidator(_known)]
    region: str
    entry: str | None = None
    flavours: dict[str, str] = Field(default_factory=dict)
    front: Front = Front.ADDRESS
    external_network: str | None = None
    image: str | None = None
    name_servers: list[IPv4Address] = Field(default_factory=list)
    # Of a host that boots from a volume.
    disk_gb: Annotated[int, Field(ge=10, le=16_000, strict=True)] = 40

    @property
    def profile(self) -> Profile:
        """What is particular about the cloud."""
        return profiles()[self.cloud]

    def flavour(self, kind: str) -> str:
        """Return the cloud's own name for a kind of host."""
        return self.flavours.get(kind, kind)

    def check(self, _stack: str, site: Topology, source: object) -> None:
        """Raise InputError where the cloud cannot hold `site`, or what it asks for is not there."""
        regions = self.profile.regions
        if self.region not in regions:
            problem = f"{self.region!r} is not a region of {self.profile.title} within the EU"
            mend = f"choose {', '.join(regions)}"
            raise InputError(source, f"{FIELD}.region", problem, mend)
        self.require_kinds(self.cloud, source)
        self._require_flavours(source)
        if self.front is Front.BALANCER and not self.profile.octavia.value:
            problem = f"{self.profile.title} has no load balancer as a service"
            raise InputError(source, f"{FIELD}.front", problem, "leave it at `address`")
        site.require_planned(source)
        require_volumes(site, VOLUME_GB, source)

    def _require_flavours(self, source: object) -> None:
        """Raise InputError for a kind that nobody has said the cloud's own name of."""
        if self.profile.names_kinds.value:
            return
        for kind in [self.type, *self.types.values()]:
            if kind not in self.flavours:
                problem = f"does not say what {self.profile.title} calls the kind {kind!r}"
                mend = f"add `{kind}: NAME`, with a name that `openstack flavor list` shows"
                raise InputError(source, f"{FIELD}.flavours", problem, mend)
