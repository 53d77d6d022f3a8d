"""How a public authority is to find that the names of the edge are the site's own (RFC 8555)."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from klokken.document import Document, validated
from klokken.errors import InputError
from klokken.roles import EXPRESSION
from klokken.topology import Domain, Tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from klokken.topology import Topology

# The role variables that a certificate of a public authority is asked for by.
VARIABLE, NAMES = "certificate_acme", "certificate_names"


class NameServer(Document):
    """Who is told of the records of dns-01 (RFC 2136), and the key that it knows (RFC 8945)."""

    server: IPv4Address
    zone: Domain
    key_name: str
    key_algorithm: str = "hmac-sha256"
    port: Annotated[int, Field(ge=1, le=65535, strict=True)] = 53
    secondaries: list[IPv4Address] = Field(default_factory=list)
    wait: Annotated[int, Field(ge=1, le=600, strict=True)] = 60


class Acme(Document):
    """An authority, and who answers it: HAProxy on port 80, or the site's DNS."""

    directory: str
    contact: str = ""
    challenge: Literal["http-01", "dns-01"] = "http-01"
    dns: NameServer | None = None

    @model_validator(mode="after")
    def _answered_by_one(self) -> Acme:
        if self.challenge == "dns-01" and self.dns is None:
            raise ValueError("has the challenge dns-01 and no `dns`, which names the name server")
        if self.challenge == "http-01" and self.dns is not None:
            raise ValueError("has `dns` and not `challenge: dns-01`, which needs it")
        return self


def require_sound(site: Topology, source: object, field: str) -> None:
    """Raise InputError where no authority could be asked as the edge's variables say."""
    for place, given in _told(site):
        acme = validated(Acme, given[VARIABLE], source, f"{field}.{place}.{VARIABLE}")
        _require_names(acme, given, source, f"{field}.{place}.{NAMES}")
        _require_zone(acme, site, source, f"{field}.{place}.{VARIABLE}.dns.zone")


def name_server(site: Topology) -> NameServer | None:
    """Return who is told of records, or None where no edge's certificate is asked for by DNS."""
    found = (Acme.model_validate(given[VARIABLE]).dns for _, given in _told(site))
    return next(filter(None, found), None)


def _told(site: Topology) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what edges are told that ask an authority, and where; not what is worked out there."""
    size = site.tiers[Tier.EDGE]
    yours: dict[str, Any] = {"variables": {}}
    yours |= {f"hosts.{host}": own for host, own in size.hosts.items()}
    for place, own in yours.items():
        given = {**size.variables, **own}
        if given.get(VARIABLE) and EXPRESSION not in str(given[VARIABLE]):
            yield place, given


def _require_names(acme: Acme, given: Mapping[str, Any], source: object, field: str) -> None:
    """Refuse wildcards that the challenge cannot be for (RFC 8555, 8.3)."""
    wild = [name for name in given.get(NAMES) or [] if name.startswith("*.")]
    if wild and acme.challenge != "dns-01":
        problem = f"{wild[0]} needs the challenge dns-01"
        raise InputError(source, field, problem, f"set it in `{VARIABLE}`")


def _require_zone(acme: Acme, site: Topology, source: object, field: str) -> None:
    """Refuse a zone in which the site's names are not."""
    if acme.dns and not f".{site.domain}".endswith(f".{acme.dns.zone}"):
        problem = f"the names of {site.domain} are not in {acme.dns.zone}"
        raise InputError(source, field, problem, "give the zone that has them")
