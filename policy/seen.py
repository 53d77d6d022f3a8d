"""A resource as a rule sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Seen:
    """A resource that is about to be made or changed.

    `type` is Pulumi's, such as hcloud:index/server:Server; `props` are under the names that Pulumi
    has for them, such as serverType; `protect` says whether Pulumi refuses to delete it.
    """

    type: str
    name: str
    props: Mapping[str, Any]
    protect: bool = False

    @property
    def labels(self) -> dict[str, str]:
        """The labels of a resource, whatever its cloud calls them."""
        for key in ("labels", "metadata"):
            if key in self.props:
                return dict(self.props[key] or {})
        tags = [str(tag) for tag in self.props.get("tags") or []]
        separator = "-" if self.type.startswith("proxmoxve:") else "="
        return dict(tag.split(separator, 1) for tag in tags if separator in tag)
