"""What Pulumi's engine would be told of each resource, which mocks keep for themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.rpc import is_rpc_secret


@dataclass
class Registrations:
    """Every registration, in order. A thing is named by kind and name: Server:horsens-drive1."""

    requests: list[Any] = field(default_factory=list)

    def protected(self) -> set[str]:
        """Return what Pulumi refuses to delete."""
        return {_named(request.type, request.name) for request in self.requests if request.protect}

    def needs(self, thing: str) -> set[str]:
        """Return what must be there before `thing` is made."""
        (request,) = [r for r in self.requests if _named(r.type, r.name) == thing]
        ends = [urn.split("::") for urn in request.dependencies]
        return {_named(kinds.rpartition("$")[2], name) for *_, kinds, name in ends}

    def ignored(self, thing: str) -> set[str]:
        """Return the inputs whose change leaves `thing` as it is."""
        (request,) = [r for r in self.requests if _named(r.type, r.name) == thing]
        return set(request.ignoreChanges)

    def secrets(self, kind: str) -> dict[str, set[str]]:
        """Return the inputs of everything of a kind that are secrets, by name."""
        return {
            request.name: {
                key for key, value in MessageToDict(request.object).items() if is_rpc_secret(value)
            }
            for request in self.requests
            if request.type.endswith(f":{kind}")
        }


def watch() -> Registrations:
    """Have the mocks that Pulumi is set to keep each registration from now on."""
    kept = Registrations()
    monitor: Any = pulumi.runtime.settings.get_monitor()
    register = monitor.RegisterResource

    def keep(request: Any) -> Any:
        kept.requests.append(request)
        return register(request)

    monitor.RegisterResource = keep
    return kept


def _named(kind: str, name: str) -> str:
    return f"{kind.rpartition(':')[2]}:{name}"
