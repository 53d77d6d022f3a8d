"""Load balancers: what they listen on, and where they send it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.doubles.hetzner import catalogue, networks
from tests.doubles.hetzner.problems import ApiError, invalid
from tests.doubles.hetzner.servers import inside

if TYPE_CHECKING:
    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.project import Project

_PORTS = range(1, 65_536)


def create(project: Project, body: Json) -> Json:
    """Order a load balancer."""
    kinds = catalogue.balancer_types()
    kind = catalogue.one_of(kinds, body.get("load_balancer_type"), "load_balancer_type")
    place = catalogue.location(body.get("location"))
    made = project.add(
        "load_balancers", body, load_balancer_type=kind, location=place, private_net=[],
        services=[], targets=[], protection={"delete": False}, outgoing_traffic=0,
        algorithm=body.get("algorithm") or {"type": "round_robin"}, ingoing_traffic=0,
        included_traffic=0,
    )  # fmt: skip
    number = made["id"]
    made["public_net"] = {
        "enabled": True,
        "ipv4": {"ip": f"203.0.113.{number % 250 + 1}", "dns_ptr": ""},
        "ipv6": {"ip": f"2001:db8:1b:{number:x}::1", "dns_ptr": ""},
    }
    made["action"] = project.act("create_load_balancer", load_balancer=number)
    return made


def attach(project: Project, wanted: object, body: Json) -> Json:
    """Put a load balancer into a network."""
    balancer = project.free("load_balancers", wanted)
    network = project.one("networks", body.get("network"))
    if any(each["network"] == network["id"] for each in balancer["private_net"]):
        raise ApiError(409, "load_balancer_already_attached", "is already in the network")
    used = inside(project, network["id"])
    address = networks.taken(network, balancer["location"]["network_zone"], body.get("ip"), used)

    def effect() -> None:
        balancer["private_net"].append({"network": network["id"], "ip": address})
        network["load_balancers"].append(balancer["id"])

    return project.act("attach_to_network", effect, load_balancer=balancer["id"])


def detach(project: Project, wanted: object, body: Json) -> Json:
    """Take a load balancer out of a network."""
    balancer = project.free("load_balancers", wanted)
    network = project.one("networks", body.get("network"))
    kept = [each for each in balancer["private_net"] if each["network"] != network["id"]]

    def effect() -> None:
        balancer["private_net"] = kept
        network["load_balancers"] = [e for e in network["load_balancers"] if e != balancer["id"]]

    return project.act("detach_from_network", effect, load_balancer=balancer["id"])


def add_service(project: Project, wanted: object, body: Json) -> Json:
    """Listen on one more port."""
    balancer = project.free("load_balancers", wanted)
    if body.get("protocol") not in ("tcp", "http", "https"):
        raise invalid("protocol", "is not known")
    ports = {key: body.get(key) for key in ("listen_port", "destination_port")}
    for key, port in ports.items():
        if port not in _PORTS:
            raise invalid(key, f"{port!r} is no port")
    if any(each["listen_port"] == ports["listen_port"] for each in balancer["services"]):
        raise ApiError(409, "source_port_already_used", "port is already listened on")
    if len(balancer["services"]) >= balancer["load_balancer_type"]["max_services"]:
        raise ApiError(403, "resource_limit_exceeded", "service limit exceeded")
    return project.act(
        "add_service", lambda: balancer["services"].append(body), load_balancer=balancer["id"]
    )


def delete_service(project: Project, wanted: object, body: Json) -> Json:
    """Listen on a port no more."""
    balancer = project.free("load_balancers", wanted)
    kept = [s for s in balancer["services"] if s["listen_port"] != body.get("listen_port")]
    return project.act(
        "delete_service", lambda: balancer.update(services=kept), load_balancer=balancer["id"]
    )


def add_target(project: Project, wanted: object, body: Json) -> Json:
    """Send to one more server."""
    balancer = project.free("load_balancers", wanted)
    server = project.one("servers", (body.get("server") or {}).get("id"))
    there = {each["network"] for each in server["private_net"]}
    shared = there & {each["network"] for each in balancer["private_net"]}
    if body.get("use_private_ip") and not shared:
        raise ApiError(
            422, "load_balancer_not_attached_to_network", "server and it share no network"
        )
    if any(each["server"]["id"] == server["id"] for each in balancer["targets"]):
        raise ApiError(409, "target_already_defined", "server is already a target")
    if len(balancer["targets"]) >= balancer["load_balancer_type"]["max_targets"]:
        raise ApiError(403, "resource_limit_exceeded", "target limit exceeded")
    target = {
        "type": "server", "server": {"id": server["id"]}, "health_status": [],
        "use_private_ip": bool(body.get("use_private_ip")),
    }  # fmt: skip
    return project.act(
        "add_target", lambda: balancer["targets"].append(target), load_balancer=balancer["id"]
    )


def remove_target(project: Project, wanted: object, body: Json) -> Json:
    """Send to a server no more."""
    balancer = project.free("load_balancers", wanted)
    number = (body.get("server") or {}).get("id")
    kept = [each for each in balancer["targets"] if each["server"]["id"] != number]
    return project.act(
        "remove_target", lambda: balancer.update(targets=kept), load_balancer=balancer["id"]
    )


def delete(project: Project, wanted: object) -> Json:
    """End a load balancer, and free what it held."""
    number = project.free("load_balancers", wanted)["id"]
    project.remove("load_balancers", wanted)
    for network in project.all("networks"):
        network["load_balancers"] = [each for each in network["load_balancers"] if each != number]
    return project.act("delete_load_balancer", load_balancer=number)
