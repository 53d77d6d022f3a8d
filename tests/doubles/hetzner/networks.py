"""Private networks and their subnets."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import TYPE_CHECKING

from tests.doubles.hetzner.catalogue import ZONES, Json
from tests.doubles.hetzner.problems import in_use, invalid

if TYPE_CHECKING:
    from tests.doubles.hetzner.project import Project

# RFC 1918; Hetzner takes no other range.
_PRIVATE = [IPv4Network(each) for each in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
_SMALLEST = 29
_MOST = 100


def create(project: Project, body: Json) -> Json:
    """Make a network, with the subnets that are named."""
    whole = _network(body.get("ip_range"), "ip_range")
    if not any(whole.subnet_of(each) for each in _PRIVATE):
        raise invalid("ip_range", "is not private")
    made = project.add(
        "networks", body, ip_range=str(whole), subnets=[], routes=[], servers=[], load_balancers=[],
        protection={"delete": False}, expose_routes_to_vswitch=False,
    )  # fmt: skip
    for subnet in body.get("subnets") or []:
        made["subnets"].append(_subnet(made, subnet))
    return made


def add_subnet(project: Project, wanted: object, body: Json) -> Json:
    """Give a network one more subnet."""
    network = project.free("networks", wanted)
    subnet = _subnet(network, body)
    return project.act(
        "add_subnet", lambda: network["subnets"].append(subnet), network=network["id"]
    )


def delete_subnet(project: Project, wanted: object, body: Json) -> Json:
    """Take a subnet away, once nothing has an address in it."""
    network = project.free("networks", wanted)
    found = [each for each in network["subnets"] if each["ip_range"] == body.get("ip_range")]
    if not found:
        raise invalid("ip_range", "is no subnet of the network")
    if network["servers"] or network["load_balancers"]:
        raise in_use("subnet", "a server or a load balancer")
    return project.act(
        "delete_subnet", lambda: network["subnets"].remove(found[0]), network=network["id"]
    )


def delete(project: Project, wanted: object) -> None:
    """Remove a network that nothing is in."""
    network = project.free("networks", wanted)
    if network["servers"] or network["load_balancers"]:
        raise in_use("network", "a server or a load balancer")
    project.remove("networks", wanted)


def taken(network: Json, zone: str, wanted: str | None, used: set[str]) -> str:
    """Return the address that one more in `network` gets, or raise ApiError."""
    if len(used) >= _MOST:
        raise invalid("network", f"has {_MOST} servers, the most there can be")
    inside = [IPv4Network(s["ip_range"]) for s in network["subnets"] if s["network_zone"] == zone]
    if not inside:
        raise invalid("network", "has no subnet in this network zone")
    gateway = str(IPv4Network(network["ip_range"])[1])
    free = (str(ip) for subnet in inside for ip in subnet.hosts())
    usable = [ip for ip in free if ip != gateway and ip not in used]
    if wanted is None:
        return usable[0]
    if wanted not in usable:
        raise invalid("ip", f"{wanted} is not available")
    return wanted


def _network(value: object, field: str) -> IPv4Network:
    try:
        return IPv4Network(str(value))
    except ValueError:
        raise invalid(field, f"{value!r} is not a network") from None


def _subnet(network: Json, body: Json) -> Json:
    """Return a subnet that fits into a network, or raise ApiError."""
    whole = IPv4Network(network["ip_range"])
    part = _network(body.get("ip_range"), "ip_range")
    if not part.subnet_of(whole) or part.prefixlen > _SMALLEST:
        raise invalid("ip_range", f"is not a subnet of {whole}")
    if any(part.overlaps(IPv4Network(each["ip_range"])) for each in network["subnets"]):
        raise invalid("ip_range", "overlaps another subnet")
    if body.get("type") not in ("cloud", "server"):
        raise invalid("type", "is not a kind of subnet")
    if body.get("network_zone") not in ZONES.values():
        raise invalid("network_zone", "is not known")
    gateway = str(whole[1])
    return {
        "ip_range": str(part), "type": body["type"], "network_zone": body["network_zone"],
        "gateway": gateway, "vswitch_id": None,
    }  # fmt: skip
