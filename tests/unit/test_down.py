"""`klokken down` works without Pulumi, and says what it cannot do without root."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken import deployment, paths, stackconfig, workspace
from klokken.errors import MachineError
from klokken.paths import PROJECT, unfinished_folder

if TYPE_CHECKING:
    from pathlib import Path

STACK = "here"
EXAMPLE = yaml.safe_load((PROJECT / "stacks/examples/lab.yaml").read_text())


class Machine:
    """A machine where a stack may stand; keeps what was run on it and what was swept up."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.patch = monkeypatch
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        self.labs = folder / "labs"
        self.config = folder / f"Pulumi.{STACK}.yaml"
        self.ran: list[str] = []
        self.swept: list[str] = []
        for module in (stackconfig, paths):
            monkeypatch.setattr(module, "PROJECT", folder)
        monkeypatch.setattr(deployment, "LABS", self.labs)
        monkeypatch.setattr(deployment, "_sweep", self.swept.append)
        # Nothing is on this PATH, so that no Pulumi is.
        monkeypatch.setattr(workspace, "environment", lambda: {"PATH": str(folder)})
        self.user(0)

    def user(self, number: int) -> None:
        self.patch.setattr(os, "geteuid", lambda: number)

    def stack(self, substrate: str = "lab") -> None:
        config = {**EXAMPLE["config"], "klokken:substrate": substrate}
        self.config.write_text(yaml.safe_dump({"config": config}))

    def stand(self) -> None:
        (self.labs / STACK).mkdir(parents=True)

    def pulumi_ends_with(self, code: int) -> None:
        def run(argv: list[str], **_: Any) -> int:
            self.ran.append(" ".join(argv[:2]))
            return code

        self.patch.setattr(deployment, "run", run)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def test_without_pulumi_a_lab_is_swept_up(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.stack()
    machine.stand()
    deployment.down(STACK)
    said = capsys.readouterr().err
    assert "pulumi: not on this machine" in said
    assert f"sweeping {STACK} up without it" in said
    assert said.count("\n") == 1
    assert machine.swept == [STACK]


def test_where_pulumi_cannot_a_lab_is_swept_up(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.stack()
    machine.stand()
    machine.pulumi_ends_with(255)
    deployment.down(STACK)
    assert f"Pulumi could not; sweeping {STACK} up without it" in capsys.readouterr().err
    assert machine.swept == [STACK]


def test_a_lab_that_pulumi_has_taken_down_is_swept_up_after_it(machine: Machine) -> None:
    machine.stack()
    machine.pulumi_ends_with(0)
    deployment.down(STACK)
    assert machine.ran == ["pulumi destroy"]
    assert machine.swept == [STACK]


def test_what_came_to_no_end_is_forgotten_with_the_stack(machine: Machine) -> None:
    machine.stack()
    machine.pulumi_ends_with(0)
    unfinished_folder(STACK).mkdir(parents=True)
    (unfinished_folder(STACK) / "edge").touch()
    deployment.down(STACK)
    assert not unfinished_folder(STACK).exists()


def test_without_its_config_a_stack_is_swept_up_as_a_lab(machine: Machine) -> None:
    deployment.down(STACK)
    assert machine.swept == [STACK]


def test_a_lab_that_stands_is_not_begun_with_without_root(machine: Machine) -> None:
    machine.stack()
    machine.stand()
    machine.user(1000)
    machine.pulumi_ends_with(0)
    with pytest.raises(MachineError, match=r"^a lab needs root, .*; run as root$"):
        deployment.down(STACK)
    assert machine.ran == machine.swept == []


def test_without_root_nothing_is_called_done_that_pulumi_could_not_do(machine: Machine) -> None:
    machine.stack()
    machine.user(1000)
    machine.pulumi_ends_with(255)
    with pytest.raises(MachineError, match="something is left"):
        deployment.down(STACK)
    assert machine.swept == []


def test_a_lab_that_never_stood_needs_no_root_to_go(machine: Machine) -> None:
    machine.stack()
    machine.user(1000)
    machine.pulumi_ends_with(0)
    deployment.down(STACK)
    assert machine.ran == ["pulumi destroy"]


def test_servers_are_not_let_go_without_pulumi(machine: Machine) -> None:
    machine.stack("servers")
    with pytest.raises(MachineError, match="pulumi: not on this machine; run `make setup`"):
        deployment.down(STACK)
    assert machine.swept == []


def test_a_sweep_that_has_no_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(argv: list[str], timeout: float, **_: Any) -> None:
        raise subprocess.TimeoutExpired(argv, timeout)

    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    monkeypatch.setattr(deployment, "LABS", tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(MachineError, match="not swept up after 300 s; `klokken down` again"):
        deployment.down(STACK)
