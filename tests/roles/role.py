"""A role as it stands in its files, for the checks beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from klokken.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Role:
    """One folder of roles/."""

    path: Path

    @classmethod
    def all(cls) -> list[Role]:
        """Return every role."""
        return [cls(path) for path in sorted((PROJECT / "roles").iterdir()) if path.is_dir()]

    @property
    def name(self) -> str:
        """The role's name, which its variables begin with."""
        return self.path.name

    @property
    def readme(self) -> str:
        """The text of its README."""
        return (self.path / "README.md").read_text()

    @property
    def defaults(self) -> dict[str, Any]:
        """Its variables and their defaults."""
        return self._load("defaults/main.yml") or {}

    @property
    def options(self) -> dict[str, dict[str, Any]]:
        """What its argument spec declares."""
        spec = self._load("meta/argument_specs.yml")
        return dict(spec["argument_specs"]["main"]["options"])

    def tasks(self) -> Iterator[dict[str, Any]]:
        """Yield every task and handler; one in a block has the block's no_log."""
        for folder in ("tasks", "handlers"):
            for path in sorted((self.path / folder).glob("*.yml")):
                yield from _flat(yaml.safe_load(path.read_text()) or [])

    def handlers(self) -> list[dict[str, Any]]:
        """Return its handlers, of which a role need not have any."""
        there = (self.path / "handlers" / "main.yml").exists()
        return list(self._load("handlers/main.yml") or []) if there else []

    def written(self) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """Yield every task that writes a file from here, and what it says of the file."""
        for task in self.tasks():
            found = task.get("ansible.builtin.template") or task.get("ansible.builtin.copy")
            if found and not found.get("remote_src"):
                yield task, found

    def _load(self, name: str) -> Any:
        return yaml.safe_load((self.path / name).read_text())


def _flat(tasks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        inner = [t for key in ("block", "rescue", "always") for t in task.get(key, [])]
        if not inner:
            yield task
        for each in _flat(inner):
            yield {"no_log": task.get("no_log", False), **each}
