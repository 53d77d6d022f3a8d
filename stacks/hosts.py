"""What every substrate gives, so that a site never knows where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi


@dataclass(frozen=True)
class Hosts:
    """Hosts that exist, by name.

    `instances` are the ids of their data: a host made anew has another, and is configured anew.
    `own` are the inventory variables of each host, `ansible_host` and `site_address` at least;
    `shared` those of all: how SSH reaches them. `gate` is the lab network that is to be opened to
    package sources while Ansible runs, where there is a lab.
    """

    instances: Mapping[str, pulumi.Input[str]]
    own: Mapping[str, Mapping[str, pulumi.Input[Any]]]
    shared: Mapping[str, Any]
    gate: Mapping[str, Any] = field(default_factory=dict)
