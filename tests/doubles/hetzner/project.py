"""A project: everything that was ordered, by kind and id, and the actions under way."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.doubles.hetzner.actions import Running
from tests.doubles.hetzner.machines import Machines
from tests.doubles.hetzner.problems import (
    ApiError,
    invalid,
    locked,
    not_found,
    not_unique,
    over_limit,
    protected,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.machines import Work

CREATED = "2026-11-22T08:00:00+00:00"
# Hetzner's own limits; a test may set lower ones.
QUOTA = {
    "servers": 100, "networks": 100, "volumes": 100, "load_balancers": 20, "firewalls": 50,
    "placement_groups": 50, "ssh_keys": 100, "primary_ips": 100,
}  # fmt: skip
_LABEL_KEY = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?")


@dataclass
class Switches:
    """What shall go wrong.

    `quota` replaces limits by kind; `lost` counts, by method and path, replies that become a 500
    after the work is done; `failing` counts, by command, actions that end in an error; `slowness`
    is how many further requests an action takes.
    """

    quota: dict[str, int] = field(default_factory=dict)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    failing: Counter[str] = field(default_factory=Counter)
    slowness: int = 1


class Project:
    """All that one token reaches; `machines` are what its servers really are."""

    def __init__(self, switches: Switches | None = None, machines: Machines | None = None) -> None:
        """Begin with nothing ordered."""
        self.switches = switches or Switches()
        self.machines = machines or Machines()
        self.tables: dict[str, dict[int, Json]] = {}
        self.actions: dict[int, Json] = {}
        self._running: list[Running] = []
        self._ids = itertools.count(1001)

    def number(self) -> int:
        """Return an id that nothing else has."""
        return next(self._ids)

    def all(self, kind: str) -> list[Json]:
        """Return everything of a kind, oldest first."""
        return list(self.tables.setdefault(kind, {}).values())

    def one(self, kind: str, wanted: object) -> Json:
        """Return what has this id, or raise ApiError."""
        try:
            return self.tables.setdefault(kind, {})[int(str(wanted))]
        except (KeyError, ValueError):
            raise not_found(kind, wanted) from None

    def add(self, kind: str, body: Json, **fields: object) -> Json:
        """Keep a new thing under a name that no other of its kind has."""
        name, labels = body.get("name"), body.get("labels") or {}
        if not isinstance(name, str) or not name:
            raise invalid("name", "is required")
        if any(each["name"] == name for each in self.all(kind)):
            raise not_unique(kind, "name")
        for key, value in labels.items():
            if not (_LABEL_KEY.fullmatch(key) and _LABEL_VALUE.fullmatch(value)):
                raise invalid("labels", f"{key}={value} is not a label")
        if len(self.all(kind)) >= (QUOTA | self.switches.quota).get(kind, 1000):
            raise over_limit(kind)
        number = self.number()
        made = {"id": number, "name": name, "labels": labels, "created": CREATED, **fields}
        self.tables[kind][number] = made
        return made

    def remove(self, kind: str, wanted: object) -> None:
        """Delete a thing, unless it is protected or something is being done to it."""
        thing = self.free(kind, wanted)
        if thing.get("protection", {}).get("delete"):
            raise protected(kind)
        del self.tables[kind][thing["id"]]

    def free(self, kind: str, wanted: object) -> Json:
        """Return a thing that no action is under way on, or raise ApiError."""
        thing = self.one(kind, wanted)
        mine = {"id": thing["id"], "type": kind.removesuffix("s")}
        if any(mine in running.action["resources"] for running in self._running):
            raise locked(kind)
        return thing

    def act(
        self,
        command: str,
        effect: Callable[[], None] | None = None,
        /,
        *,
        work: Callable[[], Work] = lambda: None,
        **things: int,
    ) -> Json:
        """Start an action on `things`, ids by kind; its effect comes when it has succeeded.

        `work` has a machine begin with what the action is for.
        """
        action: Json = {
            "id": self.number(), "command": command, "status": "running", "progress": 0,
            "started": CREATED, "finished": None, "error": None,
            "resources": [{"id": number, "type": kind} for kind, number in things.items()],
        }  # fmt: skip
        self.actions[action["id"]] = action
        doomed = self.switches.failing[command] > 0
        self.switches.failing[command] -= doomed
        begun = None if doomed else work()
        self._running.append(
            Running(action, self.switches.slowness, effect or (lambda: None), doomed, begun)
        )
        if self.switches.slowness <= 0:
            self.tick()
        return dict(action)

    def tick(self) -> None:
        """Let time pass: a request came in."""
        for running in list(self._running):
            running.left -= 1
            if running.over():
                self._running.remove(running)
                self._finish(running)

    def _finish(self, running: Running) -> None:
        action = running.action
        action |= {"progress": 100, "finished": CREATED, "status": "success"}
        if failure := running.failure():
            error = {"code": "action_failed", "message": failure}
            action |= {"status": "error", "error": error}
        else:
            running.effect()

    def action(self, wanted: object) -> Json:
        """Return an action, or raise ApiError."""
        try:
            return self.actions[int(str(wanted))]
        except (KeyError, ValueError):
            raise not_found("action", wanted) from None


def rename(project: Project, kind: str, wanted: object, body: Json) -> Json:
    """Change name and labels, which every kind has."""
    thing = project.one(kind, wanted)
    name = body.get("name", thing["name"])
    if any(each["name"] == name and each is not thing for each in project.all(kind)):
        raise not_unique(kind, "name")
    thing |= {"name": name, "labels": body.get("labels", thing["labels"])}
    return thing


def protect(project: Project, kind: str, wanted: object, body: Json) -> Json:
    """Protect a thing from being deleted, or no longer."""
    thing = project.free(kind, wanted)
    if "delete" not in body:
        raise ApiError(422, "invalid_input", "delete is required")
    thing["protection"] = thing["protection"] | body
    return project.act("change_protection", **{kind.removesuffix("s"): thing["id"]})
