"""Only a lab needs root, and says so before anything is made."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from klokken import deployment
from klokken.errors import Exit, MachineError
from klokken.paths import PROJECT
from klokken.stackconfig import StackConfig

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = yaml.safe_load((PROJECT / "stacks/examples/lab.yaml").read_text())["config"]


def test_a_lab_is_not_begun_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match=r"^a lab needs root, .*; run as root$"):
        deployment.require_machine(StackConfig.parse(EXAMPLE, "a test"))


def test_servers_are_adopted_by_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    config = StackConfig.parse({**EXAMPLE, "klokken:substrate": "servers"}, "a test")
    deployment.require_machine(config)


def test_the_set_up_of_a_lab_installs_nothing_without_root(tmp_path: Path) -> None:
    nobody = tmp_path / "bin" / "id"
    nobody.parent.mkdir()
    nobody.write_text("#!/bin/sh\necho 1000\n")
    nobody.chmod(0o755)
    done = subprocess.run(
        [PROJECT / "tools/setup", "lab"],
        env={
            "HOME": str(tmp_path),
            "PATH": f"{nobody.parent}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == Exit.MACHINE
    line = "setup: a lab needs root, for containers and their network; run as root\n"
    assert done.stderr == line
