"""A lock on a stack's state is dropped when nobody can hold it any more, and never else."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from klokken.locks import PULUMI_PROJECT, abandoned
from klokken.paths import state_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def lock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Lock the stack `lab` as Pulumi does, by a process of this machine or another."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    folder = state_folder() / ".pulumi/locks/organization" / PULUMI_PROJECT / "lab"
    folder.mkdir(parents=True)

    def make(pid: int, **more: Any) -> None:
        content = {"pid": pid, "username": "root", "hostname": socket.gethostname()} | more
        (folder / f"{pid}.json").write_text(json.dumps(content))

    return make


def gone() -> int:
    """Return the number of a process that has ended."""
    with subprocess.Popen(["true"]) as ended:
        return ended.pid


@pytest.mark.usefixtures("lock")
def test_a_stack_without_a_lock_is_not_abandoned() -> None:
    assert not abandoned("lab")


def test_a_lock_of_a_process_that_is_gone_is_abandoned(lock: Callable[..., None]) -> None:
    lock(gone())
    assert abandoned("lab")


def test_a_number_that_another_program_has_by_now_holds_nothing(lock: Callable[..., None]) -> None:
    lock(os.getpid())
    assert abandoned("lab")


def test_a_running_pulumi_keeps_its_lock(lock: Callable[..., None], tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep
    shutil.copy(sleep, tmp_path / "pulumi")
    with subprocess.Popen([tmp_path / "pulumi", "60"]) as running:
        lock(gone())
        lock(running.pid)
        assert not abandoned("lab")
        running.kill()


def test_a_pulumi_of_another_machine_keeps_its_lock(lock: Callable[..., None]) -> None:
    lock(gone(), hostname="another")
    assert not abandoned("lab")
