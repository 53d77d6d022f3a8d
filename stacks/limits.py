"""The seconds that each operation on a part of a stack may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of one kind of resource; several times what was ever seen of a healthy one."""

    create: float
    update: float
    delete: float = 60


# The base image may have to be made, or waited for; to delete is to sweep a whole lab up.
GROUND = Limits(create=1200, update=1200, delete=600)
NETWORK = Limits(create=120, update=120, delete=120)
HOST = Limits(create=600, update=600, delete=180)
# Side by side, but a site may have hundreds of hosts.
ADOPTION = Limits(create=600, update=600)
# A tier's first installation, on slow package sources. Nothing is done to delete one.
ANSIBLE = Limits(create=1800, update=1800)
