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
    if body.get("assignee_type") != "server":
        raise invalid("assignee_type", "is not server")
    made = project.add(
        "primary_ips", body, type=body["type"], assignee_type="server", assignee_id=None,
        location=place, auto_delete=bool(body.get("auto_delete")), blocked=False, dns_ptr=[],
        protection={"delete": False},
    )  # fmt: skip
    made["ip"] = f"198.51.100.{made['id'] % 250 + 1}"
    return made


def take(project: Project, wanted: object, place: Json) -> Json:
    """Return an address of a location that is at no server, or raise ApiError."""
    address = project.one("primary_ips", wanted)
    if address["assignee_id"] is not None:
        raise in_use("primary ip", "another server")
    if address["location"]["name"] != place["name"]:
        raise invalid("public_net.ipv4", "is in another location than the server")
    return address


def delete(project: Project, wanted: object) -> None:
    """Give an address back that is at no server."""
    if project.one("primary_ips", wanted)["assignee_id"] is not None:
        raise in_use("primary ip", "a server")
    project.remove("primary_ips", wanted)
