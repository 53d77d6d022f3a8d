"""The API: which method and path does what, and who may ask."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.doubles.hetzner import (
    addresses,
    balancers,
    catalogue,
    firewalls,
    groups,
    networks,
    servers,
    volumes,
)
from tests.doubles.hetzner.problems import ApiError, not_found
from tests.doubles.hetzner.project import Project, protect, rename

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.doubles.hetzner.catalogue import Json

TOKEN_LENGTH = 64
_PAGE = 25
CATALOGUE = {
    "locations": catalogue.locations,
    "server_types": catalogue.server_types,
    "images": catalogue.images,
    "load_balancer_types": catalogue.balancer_types,
}
CREATE: dict[str, Callable[[Project, Json], Json]] = {
    "firewalls": firewalls.create,
    "load_balancers": balancers.create,
    "networks": networks.create,
    "placement_groups": groups.create_group,
    "primary_ips": addresses.create,
    "servers": servers.create,
    "ssh_keys": groups.create_key,
    "volumes": volumes.create,
}
DELETE: dict[str, Callable[[Project, str], Json | None]] = {
    "firewalls": firewalls.delete,
    "load_balancers": balancers.delete,
    "networks": networks.delete,
    "placement_groups": groups.delete_group,
    "primary_ips": addresses.delete,
    "servers": servers.delete,
    "ssh_keys": lambda project, wanted: project.remove("ssh_keys", wanted),
    "volumes": volumes.delete,
}
ACTIONS: dict[tuple[str, str], Callable[[Project, str, Json], Json]] = {
    ("firewalls", "set_rules"): firewalls.set_rules,
    ("load_balancers", "add_service"): balancers.add_service,
    ("load_balancers", "add_target"): balancers.add_target,
    ("load_balancers", "attach_to_network"): balancers.attach,
    ("load_balancers", "delete_service"): balancers.delete_service,
    ("load_balancers", "detach_from_network"): balancers.detach,
    ("load_balancers", "remove_target"): balancers.remove_target,
    ("networks", "add_subnet"): networks.add_subnet,
    ("networks", "delete_subnet"): networks.delete_subnet,
    ("servers", "attach_to_network"): servers.attach,
    ("servers", "detach_from_network"): servers.detach,
    ("volumes", "attach"): volumes.attach,
    ("volumes", "detach"): volumes.detach,
    ("volumes", "resize"): volumes.resize,
}
PROTECTED = ("load_balancers", "networks", "primary_ips", "servers", "volumes")


@dataclass(frozen=True)
class Request:
    """One request, whatever brought it here."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: Json = field(default_factory=dict)
    authorization: str = ""


class Api:
    """A project behind its token. `asked` is every request, in order."""

    def __init__(self, token: str, project: Project) -> None:
        """Serve a project to whoever has the token."""
        if len(token) != TOKEN_LENGTH:
            raise ValueError(f"a token has {TOKEN_LENGTH} characters")
        self._token = token
        self.project = project
        self.asked: list[tuple[str, str]] = []

    def answer(self, request: Request) -> tuple[int, Json]:
        """Return status and body of the answer."""
        self.asked.append((request.method, request.path))
        try:
            if request.authorization != f"Bearer {self._token}":
                raise ApiError(401, "unauthorized", "unable to authenticate")  # noqa: TRY301 - answered as any other
            self.project.tick()
            status, body = self._do(request)
        except ApiError as error:
            return error.status, error.body
        lost = self.project.switches.lost
        if lost[request.method, request.path] > 0:
            lost[request.method, request.path] -= 1
            return 500, {"error": {"code": "server_error", "message": "an error occurred"}}
        return status, body

    def _do(self, request: Request) -> tuple[int, Json]:
        kind, *rest = request.path.strip("/").split("/")
        if kind == "actions":
            return 200, self._actions(request, rest)
        if kind in CATALOGUE:
            return 200, _shown(kind, CATALOGUE[kind](), request, rest)
        if kind not in CREATE:
            raise not_found("path", request.path)
        if request.method == "GET" and len(rest) <= 1:
            return 200, _shown(kind, self.project.all(kind), request, rest)
        if request.method == "POST" and not rest:
            return 201, self._created(kind, CREATE[kind](self.project, request.body))
        return self._change(kind, request, rest)

    def _change(self, kind: str, request: Request, rest: list[str]) -> tuple[int, Json]:
        """Do something to one thing that there is."""
        match request.method, rest:
            case "PUT", [wanted]:
                return 200, {_single(kind): rename(self.project, kind, wanted, request.body)}
            case "DELETE", [wanted]:
                action = DELETE[kind](self.project, wanted)
                return (200, {"action": action}) if action else (204, {})
            case "POST", [wanted, "actions", "change_protection"] if kind in PROTECTED:
                return 201, {"action": protect(self.project, kind, wanted, request.body)}
            case "POST", [wanted, "actions", command] if (kind, command) in ACTIONS:
                action = ACTIONS[kind, command](self.project, wanted, request.body)
                return 201, {"action": action}
        raise not_found("path", request.path)

    def _created(self, kind: str, made: Json) -> Json:
        action = made.pop("action", None)
        extra: Json = {"action": action} if action else {}
        if kind in ("servers", "volumes"):
            extra["next_actions"] = []
        if kind == "servers":
            extra["root_password"] = None
        return {_single(kind): made, **extra}

    def _actions(self, request: Request, rest: list[str]) -> Json:
        if rest:
            return {"action": self.project.action(rest[0])}
        found = [self.project.action(wanted) for wanted in request.query.get("id", [])]
        return {"actions": found, "meta": _meta(1, len(found), max(1, len(found)))}


def _shown(kind: str, entries: list[Json], request: Request, rest: list[str]) -> Json:
    """Return one entry by its id, or a page of those that the query asks for."""
    if rest:
        for entry in entries:
            if str(entry["id"]) == rest[0]:
                return {_single(kind): entry}
        raise not_found(kind, rest[0])
    for key in ("name", "architecture"):
        if wanted := request.query.get(key):
            entries = [each for each in entries if each.get(key) in wanted]
    for selector in request.query.get("label_selector", []):
        entries = [each for each in entries if _labelled(each, selector)]
    size = int(request.query.get("per_page", [str(_PAGE)])[0])
    page = int(request.query.get("page", ["1"])[0])
    part = entries[(page - 1) * size : page * size]
    return {kind: part, "meta": _meta(page, len(entries), size)}


def _labelled(entry: Json, selector: str) -> bool:
    wanted = dict(re.findall(r"([^=,]+)==?([^,]*)", selector))
    return all(entry["labels"].get(key) == value for key, value in wanted.items())


def _meta(page: int, total: int, size: int) -> Json:
    last = max(1, -(-total // size))
    pages = {
        "page": page, "per_page": size, "previous_page": page - 1 or None,
        "next_page": page + 1 if page < last else None, "last_page": last, "total_entries": total,
    }  # fmt: skip
    return {"pagination": pages}


def _single(kind: str) -> str:
    return kind.removesuffix("s")
