"""What there is to order: locations, kinds of server, images, load balancers."""

from __future__ import annotations

from typing import Any

from tests.doubles.hetzner.problems import invalid

Json = dict[str, Any]

ZONES = {
    "fsn1": "eu-central", "nbg1": "eu-central", "hel1": "eu-central",
    "ash": "us-east", "hil": "us-west", "sin": "ap-southeast",
}  # fmt: skip
COUNTRIES = {"fsn1": "DE", "nbg1": "DE", "hel1": "FI", "ash": "US", "hil": "US", "sin": "SG"}

# Name, cores, memory and disk in GB, kind of core, architecture, whether it can be ordered.
_TYPES = (
    ("cpx22", 2, 4, 80, "shared", "x86", True),
    ("cpx32", 4, 8, 160, "shared", "x86", True),
    ("cpx42", 8, 16, 320, "shared", "x86", True),
    ("ccx13", 2, 8, 80, "dedicated", "x86", True),
    ("ccx23", 4, 16, 160, "dedicated", "x86", True),
    ("ccx33", 8, 32, 240, "dedicated", "x86", True),
    ("ccx43", 16, 64, 360, "dedicated", "x86", True),
    ("cx23", 2, 4, 40, "shared", "x86", False),
    ("cax41", 16, 32, 320, "shared", "arm", False),
)
SOLD_OUT = {("ccx43", "hel1")}
_IMAGES = (("debian-12", "x86"), ("debian-13", "x86"), ("debian-13", "arm"))
_BALANCERS = (("lb11", 25, 5), ("lb21", 75, 15), ("lb31", 150, 30))
_CREATED = "2026-01-01T00:00:00+00:00"


def locations() -> list[Json]:
    """Return every location."""
    return [
        {
            "id": number, "name": name, "network_zone": zone, "country": COUNTRIES[name],
            "description": name, "city": name, "latitude": 0.0, "longitude": 0.0,
        }
        for number, (name, zone) in enumerate(ZONES.items(), 1)
    ]  # fmt: skip


def server_types() -> list[Json]:
    """Return every kind of server, those that can no longer be ordered among them."""
    return [
        {
            "id": number, "name": name, "description": name.upper(), "cores": cores,
            "memory": memory, "disk": disk, "cpu_type": cpu, "architecture": architecture,
            "storage_type": "local", "prices": [], "deprecated": not orderable,
            "deprecation": None if orderable
            else {"announced": _CREATED, "unavailable_after": _CREATED},
            "included_traffic": 0,
            "locations": _sold(name),
        }
        for number, entry in enumerate(_TYPES, 1)
        for name, cores, memory, disk, cpu, architecture, orderable in [entry]
    ]  # fmt: skip


def _sold(name: str) -> list[Json]:
    """Return where a kind of server is sold, and whether there are any left."""
    sold = {"deprecation": None, "recommended": True}
    return [
        {"id": p["id"], "name": p["name"], "available": (name, p["name"]) not in SOLD_OUT, **sold}
        for p in locations()
    ]


def images() -> list[Json]:
    """Return every image."""
    return [
        {
            "id": number, "name": name, "type": "system", "status": "available",
            "description": name, "os_flavor": "debian", "os_version": name.partition("-")[2],
            "architecture": architecture, "disk_size": 5, "image_size": None, "rapid_deploy": True,
            "created": _CREATED, "created_from": None, "bound_to": None, "deprecated": None,
            "deleted": None, "labels": {}, "protection": {"delete": False},
        }
        for number, (name, architecture) in enumerate(_IMAGES, 1)
    ]  # fmt: skip


def balancer_types() -> list[Json]:
    """Return every kind of load balancer."""
    return [
        {
            "id": number, "name": name, "description": name, "max_connections": 10_000,
            "max_services": services, "max_targets": targets, "max_assigned_certificates": 10,
            "prices": [], "deprecated": None,
        }
        for number, (name, targets, services) in enumerate(_BALANCERS, 1)
    ]  # fmt: skip


def one_of(entries: list[Json], wanted: object, field: str) -> Json:
    """Return the entry that has this name or id, or raise ApiError about `field`."""
    for entry in entries:
        if wanted in (entry["name"], entry["id"], str(entry["id"])):
            return entry
    raise invalid(field, f"{wanted!r} is not known")


def location(wanted: object) -> Json:
    """Return a location by name, or raise ApiError."""
    return one_of(locations(), wanted, "location")
