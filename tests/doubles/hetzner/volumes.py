"""Volumes: disks that outlive the server they are at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tests.doubles.hetzner import catalogue
from tests.doubles.hetzner.problems import ApiError, in_use, invalid

if TYPE_CHECKING:
    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.project import Project

_SIZES = range(10, 10_241)


def create(project: Project, body: Json) -> Json:
    """Order a volume in a location."""
    place = catalogue.location(body.get("location"))
    if body.get("size") not in _SIZES:
        raise invalid("size", f"is not between {_SIZES[0]} and {_SIZES[-1]} GB")
    if body.get("format") not in (None, "ext4", "xfs"):
        raise invalid("format", "is not known")
    made = project.add(
        "volumes", body, size=body["size"], location=place, server=None, status="available",
        format=body.get("format"), protection={"delete": False},
    )  # fmt: skip
    made["linux_device"] = f"/dev/disk/by-id/scsi-0HC_Volume_{made['id']}"
    made["action"] = project.act("create_volume", volume=made["id"])
    return made


def attach(project: Project, wanted: object, body: Json) -> Json:
    """Put a volume at a server of its own location."""
    volume = project.free("volumes", wanted)
    server = project.free("servers", body.get("server"))
    if volume["server"] is not None:
        raise ApiError(409, "volume_already_attached", "volume is already attached")
    if volume["location"]["name"] != server["location"]["name"]:
        raise invalid("server", "is in another location than the volume")

    def effect() -> None:
        volume["server"] = server["id"]
        server["volumes"].append(volume["id"])

    plug = partial(project.machines.attach, server["name"], volume["linux_device"], volume["size"])
    return project.act("attach_volume", effect, work=plug, volume=volume["id"], server=server["id"])


def detach(project: Project, wanted: object, _body: Json) -> Json:
    """Take a volume off its server."""
    volume = project.free("volumes", wanted)
    server = volume["server"]
    if server is None:
        raise ApiError(422, "volume_not_attached", "volume is not attached")

    def effect() -> None:
        volume["server"] = None
        for each in project.all("servers"):
            each["volumes"] = [v for v in each["volumes"] if v != volume["id"]]

    return project.act("detach_volume", effect, volume=volume["id"], server=server)


def resize(project: Project, wanted: object, body: Json) -> Json:
    """Make a volume larger."""
    volume = project.free("volumes", wanted)
    size = body.get("size")
    if size not in _SIZES or size <= volume["size"]:
        raise invalid("size", "is not larger than it is")
    return project.act(
        "resize_volume", lambda: volume.update(size=body["size"]), volume=volume["id"]
    )


def delete(project: Project, wanted: object) -> None:
    """Remove a volume that is at no server."""
    volume = project.one("volumes", wanted)
    if volume["server"] is not None:
        raise in_use("volume", "a server")
    project.remove("volumes", wanted)
    project.machines.discard(volume["linux_device"])
