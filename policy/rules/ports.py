"""What the whole internet can reach."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from klokken.clouds.settings import WIDEST_MANAGEMENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from policy.seen import Seen

WEB = (80, 443)
# An IPv6 network of this size is one customer's.
WIDEST_IPV6 = 48
LAST_PORT = 65_535
HETZNER_WALL = "hcloud:index/firewall:Firewall"
HETZNER_SERVER = "hcloud:index/server:Server"
OPENSTACK_PORT = "openstack:networking/port:Port"
OPENSTACK_RULE = "openstack:networking/secGroupRule:SecGroupRule"
FRONTS = {
    "hcloud:index/loadBalancerService:LoadBalancerService": "listenPort",
    "openstack:loadbalancer/listener:Listener": "protocolPort",
}
# What is behind a port, so that the line says what would have been open.
SERVICES = {22: "SSH", 3306: "a database", 5432: "a database", 8006: "Proxmox", 9000: "Keycloak"}


def only_the_web_is_public(seen: Seen) -> Iterator[str]:
    """Only ports 80 and 443 are open to everybody: no database, and no way to manage a host."""
    # One that is not told its port takes that of the web.
    front = int(seen.props.get(FRONTS.get(seen.type, "")) or WEB[0])
    if front not in WEB:
        yield _complaint([front])
    yield from _unguarded(seen)
    for first, last in _public_ranges(seen):
        closed = [port for port in SERVICES if first <= port <= last] or [first, last]
        if any(port not in WEB for port in (first, last)) or last - first > 0:
            yield _complaint(closed)


def _unguarded(seen: Seen) -> Iterator[str]:
    """Yield a problem where a thing has an address of its own, and nothing before it."""
    if seen.type == HETZNER_SERVER and not len(seen.props.get("firewallIds") or []):
        yield "has no firewall: every port is open to everybody; give `firewallIds`"
    if seen.type == OPENSTACK_PORT:
        off = seen.props.get("portSecurityEnabled") is False
        if off or seen.props.get("noSecurityGroups"):
            field = "portSecurityEnabled" if off else "noSecurityGroups"
            yield f"every port is open to everybody; remove `{field}`"


def _public_ranges(seen: Seen) -> Iterator[tuple[int, int]]:
    """Yield the ranges of TCP and UDP ports that a resource opens to everybody."""
    if seen.type == HETZNER_WALL:
        for rule in seen.props.get("rules") or []:
            inward = rule.get("direction") == "in" and rule.get("protocol") in ("tcp", "udp")
            if inward and _anybody(rule.get("sourceIps") or []):
                ends = str(rule.get("port") or f"1-{LAST_PORT}").split("-")
                yield int(ends[0]), int(ends[-1])
    if seen.type == OPENSTACK_RULE:
        props = seen.props
        inward = props.get("direction") == "ingress" and props.get("protocol") != "icmp"
        # A rule without a source is for everybody, unless it is for a group.
        source = props.get("remoteIpPrefix") or "0.0.0.0/0"
        if inward and not props.get("remoteGroupId") and _anybody([source]):
            yield int(props.get("portRangeMin") or 1), int(props.get("portRangeMax") or LAST_PORT)


def _anybody(sources: Sequence[Any]) -> bool:
    """Say whether some source is wider than a few people's machines, and not private."""
    for source in sources:
        network = ip_network(str(source))
        widest = WIDEST_MANAGEMENT if network.version == 4 else WIDEST_IPV6  # noqa: PLR2004 - IPv4
        if network.prefixlen < widest and not network.is_private:
            return True
    return False


def _complaint(ports: Sequence[int]) -> str:
    named = ", ".join(f"{p} ({SERVICES[p]})" if p in SERVICES else str(p) for p in ports)
    return f"port {named} is open to everybody; only {WEB[0]} and {WEB[1]} may be"
