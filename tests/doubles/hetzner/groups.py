"""Placement groups, and SSH keys."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from tests.doubles.hetzner.problems import in_use, invalid, not_unique

if TYPE_CHECKING:
    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.project import Project


def create_group(project: Project, body: Json) -> Json:
    """Make a group whose servers are on different machines."""
    if body.get("type") != "spread":
        raise invalid("type", "is not spread")
    return project.add("placement_groups", body, type="spread", servers=[])


def delete_group(project: Project, wanted: object) -> None:
    """Remove a group that is empty."""
    if project.one("placement_groups", wanted)["servers"]:
        raise in_use("placement group", "a server")
    project.remove("placement_groups", wanted)


def create_key(project: Project, body: Json) -> Json:
    """Keep a public key."""
    parts = str(body.get("public_key", "")).split()
    try:
        digest = hashlib.md5(base64.b64decode(parts[1], validate=True)).hexdigest()  # noqa: S324 - as OpenSSH once showed keys
    except (IndexError, ValueError):
        raise invalid("public_key", "is not an SSH key") from None
    fingerprint = ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))
    if any(each["fingerprint"] == fingerprint for each in project.all("ssh_keys")):
        raise not_unique("ssh_keys", "fingerprint")
    return project.add("ssh_keys", body, public_key=body["public_key"], fingerprint=fingerprint)
