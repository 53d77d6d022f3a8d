"""Hetzner Cloud: what a stack must say, and what the service can hold.

Its limits are those of its documentation; its preview finds none of these mistakes.
"""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator

from klokken.clouds.settings import FIELD, Front, Priced, require_volumes
from klokken.errors import InputError
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.topology import Topology

# Where its data centres in the EU are. There are others: ash and hil in the USA, sin in Singapore.
LOCATIONS = {"fsn1": "Falkenstein", "nbg1": "Nürnberg", "hel1": "Helsinki"}
ZONE = "eu-central"
# RFC 1918; it takes no other range.
RANGES = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
# Servers that one network and one spread placement group can have.
MOST_SERVERS = 100
GROUP = 10
# Servers that a load balancer of each type sends to.
TARGETS = {"lb11": 25, "lb21": 75, "lb31": 150}
VOLUME_GB = range(10, 10_241)
# No other number of characters is a token.
TOKEN = 64
_SET = "run `pulumi config set --secret hcloud:token`"


def _location(value: str) -> str:
    if value not in LOCATIONS:
        raise ValueError(f"not a location within the EU; choose {', '.join(LOCATIONS)}")
    return value


class Hetzner(Priced):
    """Servers of Hetzner Cloud in one location."""

    kind: Literal["hetzner"]
    location: Annotated[str, AfterValidator(_location)]
    image: Literal["debian-13"] = "debian-13"
    front: Front = Front.ADDRESS
    balancer_type: Literal["lb11", "lb21", "lb31"] = "lb11"

    def check(self, _stack: str, site: Topology, source: object) -> None:
        """Raise InputError where the cloud cannot hold `site`, or what it asks for is not sold."""
        self.require_kinds("hetzner", source)
        if not any(site.network.subnet_of(each) for each in RANGES):
            problem = f"{site.network} is not inside {', '.join(map(str, RANGES))}"
            raise InputError(source, "klokken.site.network", problem, "correct it")
        site.require_planned(source)
        if (count := len(site.hosts())) > MOST_SERVERS:
            problem = f"{count} hosts, and a network has at most {MOST_SERVERS}"
            raise InputError(source, "klokken.site.tiers", problem, "lower a `count`")
        edges, most = site.tiers[Tier.EDGE].count, TARGETS[self.balancer_type]
        if self.front is Front.BALANCER and edges > most:
            problem = f"{self.balancer_type} sends to {most} servers, and there are {edges} edges"
            raise InputError(source, f"{FIELD}.balancer_type", problem, "choose a larger one")
        require_volumes(site, VOLUME_GB, source)


def require_token(token: str | None) -> str:
    """Return the token, or raise InputError where it cannot be one."""
    if not token:
        mend = f"{_SET}, with one of the project's console"
        raise InputError("hcloud:token", "", "missing", mend)
    if len(token) != TOKEN:
        problem = f"has {len(token)} characters, and a token has {TOKEN}"
        raise InputError("hcloud:token", "", problem, f"{_SET} again")
    return token
