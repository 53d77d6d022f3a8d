"""What a tier is configured from: the files whose change makes Ansible run again."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import yaml

from klokken.paths import PROJECT
from klokken.roles import SITE, roles_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from klokken.topology import Tier

# What roles carry to hosts from outside their own folders; the lab's drive is built of it.
CARGO = {"loadgen": ("klokken", "loadtests", "pyproject.toml"), "drive": ("tools/drive",)}
OTHER_FILES = ("ansible.builtin.import_tasks", "ansible.builtin.include_tasks")
IGNORED = {"__pycache__", "README.md"}


def tasks_of(tier: Tier) -> int:
    """Return about how many tasks the roles of `tier` have; some of them may be skipped.

    Ansible itself could tell, and would take seconds of CPU for it.
    """
    mains = [PROJECT / "roles" / role / "tasks" / "main.yml" for role in roles_of(tier)]
    # Each role begins by checking its variables.
    return sum(1 + _tasks(main) for main in mains)


def _tasks(file: Path) -> int:
    """Return how many tasks a file has, those of the files it names among them."""
    return sum(_count(task, file.parent) for task in yaml.safe_load(file.read_text("utf-8")))


def _count(task: Mapping[str, Any], folder: Path) -> int:
    """Return how many tasks an entry of a task file stands for."""
    if "block" in task:
        return sum(_count(each, folder) for each in task["block"])
    named = next((task[key] for key in OTHER_FILES if key in task), None)
    return _tasks(folder / named) if named else 1


def digest(tier: Tier) -> str:
    """Return a hash of everything but variables that the configuration of `tier` depends on."""
    whole = hashlib.sha256()
    for path in _files(tier):
        whole.update(f"{path.relative_to(PROJECT)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def _files(tier: Tier) -> Iterator[Path]:
    roots = [PROJECT / "roles" / role for role in roles_of(tier)]
    roots += [PROJECT / cargo for cargo in CARGO.get(tier, ())]
    yield from (SITE, PROJECT / "ansible.cfg")
    for root in sorted(roots):
        files = [root] if root.is_file() else sorted(root.rglob("*"))
        yield from (f for f in files if f.is_file() and not IGNORED & set(f.parts))
