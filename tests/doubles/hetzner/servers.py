"""Servers: how they are made, what they are attached to, and their end."""

from __future__ import annotations

import re
from functools import partial
from ipaddress import IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from tests.doubles.hetzner import addresses, catalogue, networks
from tests.doubles.hetzner.machines import Ordered
from tests.doubles.hetzner.problems import ApiError, invalid

if TYPE_CHECKING:
    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.project import Project

# RFC 1123, 2.1.
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
_MOST_FIREWALLS = 5
_MOST_IN_A_GROUP = 10
_LONGEST_USER_DATA = 32 * 1024


def create(project: Project, body: Json) -> Json:
    """Order a server; it runs when its action has succeeded."""
    if not _NAME.fullmatch(str(body.get("name", ""))):
        raise invalid("name", "is not a host name of RFC 1123")
    kind = catalogue.one_of(catalogue.server_types(), body.get("server_type"), "server_type")
    image = catalogue.one_of(
        [each for each in catalogue.images() if each["architecture"] == kind["architecture"]],
        body.get("image"),
        "image",
    )
    if kind["deprecated"]:
        raise ApiError(412, "resource_unavailable", f"{kind['name']} can no longer be ordered")
    place = catalogue.location(body.get("location"))
    if (kind["name"], place["name"]) in catalogue.SOLD_OUT:
        raise ApiError(412, "resource_unavailable", f"{kind['name']} is sold out in the location")
    if len(body.get("user_data") or "") > _LONGEST_USER_DATA:
        raise invalid("user_data", "is longer than 32 KiB")
    keys = [project.one("ssh_keys", key)["public_key"] for key in body.get("ssh_keys") or []]
    group = _group(project, body.get("placement_group"))
    walls = _firewalls(project, body.get("firewalls") or [])
    public = body.get("public_net") or {}
    fixed = {
        family: addresses.take(project, public[family], family, place)
        for family in ("ipv4", "ipv6")
        if public.get(family)
    }
    made = project.add(
        "servers", body, status="initializing", server_type=kind, image=image, location=place,
        datacenter=_datacenter(place), public_net=_public(project, public, fixed),
        private_net=[], volumes=[], load_balancers=[], placement_group=group, locked=False,
        protection={"delete": False, "rebuild": False}, rescue_enabled=False, iso=None,
        backup_window=None, primary_disk_size=kind["disk"], outgoing_traffic=0,
        ingoing_traffic=0, included_traffic=0,
    )  # fmt: skip
    if group:
        group["servers"].append(made["id"])
    for address in fixed.values():
        address["assignee_id"] = made["id"]
    for wall in walls:
        wall["applied_to"].append({"type": "server", "server": {"id": made["id"]}})
        made["public_net"]["firewalls"].append({"id": wall["id"], "status": "applied"})
    address = (made["public_net"]["ipv4"] or {}).get("ip", "")
    made["action"] = project.act(
        "create_server",
        partial(made.update, status="running"),
        work=partial(project.machines.boot, Ordered(made["name"], address, keys)),
        server=made["id"],
    )
    return made


def delete(project: Project, wanted: object) -> Json:
    """End a server, and free what it held."""
    server = project.free("servers", wanted)
    project.remove("servers", wanted)
    number = server["id"]
    for group in project.all("placement_groups"):
        group["servers"] = [each for each in group["servers"] if each != number]
    for wall in project.all("firewalls"):
        wall["applied_to"] = [e for e in wall["applied_to"] if e["server"]["id"] != number]
    for network in project.all("networks"):
        network["servers"] = [each for each in network["servers"] if each != number]
    for volume in project.all("volumes"):
        volume["server"] = None if volume["server"] == number else volume["server"]
    for address in project.all("primary_ips"):
        if address["assignee_id"] == number:
            address["assignee_id"] = None
    for balancer in project.all("load_balancers"):
        balancer["targets"] = [t for t in balancer["targets"] if t["server"]["id"] != number]
    end = partial(project.machines.remove, server["name"])
    return project.act("delete_server", work=end, server=number)


def attach(project: Project, wanted: object, body: Json) -> Json:
    """Put a server into a network."""
    server = project.free("servers", wanted)
    network = project.one("networks", body.get("network"))
    if any(each["network"] == network["id"] for each in server["private_net"]):
        raise ApiError(409, "server_already_attached", "server is already in the network")
    used = inside(project, network["id"])
    address = networks.taken(network, server["location"]["network_zone"], body.get("ip"), used)

    def effect() -> None:
        server["private_net"].append(
            {
                "network": network["id"],
                "ip": address,
                "alias_ips": [],
                "mac_address": f"86:00:00:00:{server['id'] // 256:02x}:{server['id'] % 256:02x}",
            }
        )
        network["servers"].append(server["id"])

    inside_it = IPv4Interface(f"{address}/{IPv4Network(network['ip_range']).prefixlen}")
    join = partial(project.machines.join, server["name"], inside_it)
    return project.act("attach_to_network", effect, work=join, server=server["id"])


def detach(project: Project, wanted: object, body: Json) -> Json:
    """Take a server out of a network."""
    server = project.free("servers", wanted)
    network = project.one("networks", body.get("network"))
    kept = [each for each in server["private_net"] if each["network"] != network["id"]]

    def effect() -> None:
        server["private_net"] = kept
        network["servers"] = [each for each in network["servers"] if each != server["id"]]

    return project.act("detach_from_network", effect, server=server["id"])


def inside(project: Project, network: int) -> set[str]:
    """Return the addresses in a network that are taken."""
    holders = project.all("servers") + project.all("load_balancers")
    return {n["ip"] for h in holders for n in h["private_net"] if n["network"] == network}


def _group(project: Project, wanted: object) -> Json | None:
    if not wanted:
        return None
    group = project.one("placement_groups", wanted)
    if len(group["servers"]) >= _MOST_IN_A_GROUP:
        raise ApiError(412, "placement_error", f"group has {_MOST_IN_A_GROUP} servers, the most")
    return group


def _firewalls(project: Project, wanted: list[Json]) -> list[Json]:
    if len(wanted) > _MOST_FIREWALLS:
        raise invalid("firewalls", f"are more than {_MOST_FIREWALLS}")
    return [project.one("firewalls", each["firewall"]) for each in wanted]


def _datacenter(place: Json) -> Json:
    name = f"{place['name']}-dc1"
    types: Json = {"supported": [], "available": [], "available_for_migration": []}
    both = {"name": name, "description": name, "location": place, "server_types": types}
    return {"id": 100 + place["id"], **both}


def _public(project: Project, wanted: Json, fixed: Json) -> Json:
    four, six = project.number(), project.number()
    own4 = fixed.get("ipv4") or {"id": four, "ip": project.machines.address()}
    own6 = fixed.get("ipv6") or {"id": six, "ip": f"2001:db8:{four:x}::/64"}
    ipv4 = {"id": own4["id"], "ip": own4["ip"], "blocked": False, "dns_ptr": ""}
    ipv6 = {"id": own6["id"], "ip": own6["ip"], "blocked": False, "dns_ptr": []}
    return {
        "ipv4": ipv4 if wanted.get("enable_ipv4", True) else None,
        "ipv6": ipv6 if wanted.get("enable_ipv6", True) else None,
        "floating_ips": [], "firewalls": [],
    }  # fmt: skip
