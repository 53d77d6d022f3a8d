"""Primary addresses: those that outlive the server they are at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.doubles.hetzner import catalogue
from tests.doubles.hetzner.problems import in_use, invalid

if TYPE_CHECKING:
    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.project import Project


def create(project: Project, body: Json) -> Json:
    """Order an address in a location."""
    place = catalogue.location(body.get("location"))
    if body.get("type") not in ("ipv4", "ipv6"):
        raise invalid("type", "is not known")
    if body.get("assignee_type", "server") != "server":
        raise invalid("assignee_type", "is not server")
    made = project.add(
        "primary_ips", body, type=body["type"], assignee_type="server", assignee_id=None,
        location=place, auto_delete=bool(body.get("auto_delete")), blocked=False, dns_ptr=[],
        protection={"delete": False},
    )  # fmt: skip
    number = made["id"]
    is_old = made["type"] == "ipv4"
    made["ip"] = project.machines.address() if is_old else f"2001:db8:f:{number:x}::/64"
    return made


def take(project: Project, wanted: object, family: str, place: Json) -> Json:
    """Return an address of a family and location that is at no server, or raise ApiError."""
    address = project.one("primary_ips", wanted)
    if address["type"] != family:
        raise invalid(f"public_net.{family}", f"is {address['type']}")
    if address["assignee_id"] is not None:
        raise in_use("primary ip", "another server")
    if address["location"]["name"] != place["name"]:
        raise invalid(f"public_net.{family}", "is in another location than the server")
    return address


def delete(project: Project, wanted: object) -> None:
    """Give an address back that is at no server."""
    if project.one("primary_ips", wanted)["assignee_id"] is not None:
        raise in_use("primary ip", "a server")
    project.remove("primary_ips", wanted)
