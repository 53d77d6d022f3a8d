"""Each operation on a part of a stack has a time-out of its own, and so has each lock."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from klokken.deadline import OverdueError, within
from klokken.errors import MachineError
from stacks.ansible import resource
from stacks.ansible.resource import AnsibleRunProvider
from stacks.lab import image
from stacks.lab.container import wait_until
from stacks.lab.host import LabHost
from stacks.lab.lock import lock
from stacks.lab.resources import GroundProvider, HostProvider, NetworkProvider
from stacks.lab.shell import run
from stacks.limits import Limits
from stacks.servers.resource import AdoptionProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOMENT = 0.01
HOST = {
    "stack": "there",
    "name": "edge1",
    "address": "198.18.5.51",
    "network": "198.18.5.0/24",
    "image": "trixie-1",
}


@pytest.mark.parametrize(
    "provider",
    [GroundProvider, NetworkProvider, HostProvider, AdoptionProvider, AnsibleRunProvider],
)
def test_no_operation_is_without_a_time_out(provider: type[Any]) -> None:
    limits: Limits = provider.limits
    assert min(limits.create, limits.update, limits.delete) > 0


@pytest.mark.parametrize("operation", ["create", "update", "delete"])
def test_a_host_that_has_no_end_is_named_with_the_operation_and_the_seconds(
    operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(_: LabHost) -> None:
        wait_until(lambda: False, 60)

    monkeypatch.setattr(LabHost, "ensure", wait)
    monkeypatch.setattr(LabHost, "remove", wait)
    # Each is the only one that can strike.
    seconds = {"create": 60.0, "update": 60.0, "delete": 60.0, operation: MOMENT}
    monkeypatch.setattr(HostProvider, "limits", Limits(**seconds))
    provider = HostProvider()
    calls: dict[str, Callable[[], object]] = {
        "create": lambda: provider.create(HOST),
        "update": lambda: provider.update("there-edge1", HOST, HOST),
        "delete": lambda: provider.delete("there-edge1", HOST),
    }
    with pytest.raises(OverdueError, match=f"^edge1: {operation}: not done after 0.01 s; "):
        calls[operation]()


def test_a_program_that_has_no_end_is_ended() -> None:
    with pytest.raises(OverdueError), within("edge1", "create", MOMENT):
        run("sleep", "600")


def test_a_program_with_a_limit_of_its_own_is_named() -> None:
    with pytest.raises(MachineError, match="sleep: not done after"):
        run("sleep", "600", timeout=MOMENT)


# Takes no notice of the end of its input, as something that hangs would not.
DEAF = "import sys, time; sys.stdin.readline(); time.sleep(600)"
# Ends in good order when it is asked to, as Ansible's process does.
POLITE = "import sys; sys.stdin.readline(); sys.stdin.read(); sys.exit('canceled')"


@pytest.mark.parametrize("program", [DEAF, POLITE], ids=["deaf", "polite"])
def test_a_tier_whose_ansible_has_no_end_is_named(
    program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        argv = [sys.executable, "-c", program]
        return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(resource, "_start", start)
    monkeypatch.setattr(AnsibleRunProvider, "limits", Limits(MOMENT, MOMENT))
    monkeypatch.setattr(resource, "GRACE", 60.0 if program == POLITE else MOMENT)
    order = {"stack": "there", "tier": "edge", "inventory": "", "secrets": {}}
    with pytest.raises(OverdueError, match=r"^edge: create: not done after 0.01 s; "):
        AnsibleRunProvider().create(order)
    with pytest.raises(OverdueError, match=r"^edge: update: not done after 0.01 s; "):
        AnsibleRunProvider().update("there-edge", order, order)


def test_who_holds_a_lock_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with path.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with (
            pytest.raises(MachineError, match=rf"^{path}: held by (process|another)") as said,
            lock(path, MOMENT),
        ):
            pass
    assert "and still so after 0.01 s; wait for its end" in str(said.value)
    assert "\n" not in str(said.value)


def test_a_lock_is_free_again_after_its_holder(tmp_path: Path) -> None:
    for _ in range(2):
        with lock(tmp_path / "a.lock", MOMENT):
            pass


def test_a_base_tree_that_has_no_end_leaves_no_half_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "debootstrap"
    program.write_text('#!/bin/sh\nmkdir -p "$4"\nsleep 600\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(image, "machine_sources", lambda: {"http://192.0.2.1/debian": "trixie"})
    with pytest.raises(OverdueError, match=r"^the lab: create: "), within("the lab", "create", 1):
        image.ensure_image("tree")
    assert list((tmp_path / "klokken/images").glob("*.draft")) == []
