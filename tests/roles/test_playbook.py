"""The playbook and all roles, as Ansible and its linter read them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from klokken.paths import PROJECT

pytestmark = pytest.mark.heavy

INVENTORY = "edge1,database1,identity1,metrics1,loadgen1,"


def ansible(*argv: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment that these tests run in."""
    folder = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        argv, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )


def test_the_playbook_is_understood() -> None:
    done = ansible("ansible-playbook", "-i", INVENTORY, "--syntax-check", "site.yml")
    assert done.returncode == 0, done.stderr


def test_the_linter_is_at_its_strictest_and_told_to_overlook_nothing() -> None:
    settings = yaml.safe_load((PROJECT / ".ansible-lint").read_text())
    assert settings["profile"] == "production"
    assert set(settings) == {"profile", "offline", "exclude_paths"}
    assert settings["exclude_paths"] == [".venv/"]
    assert re.search(r"^ *ansible-lint ", (PROJECT / "tools/test").read_text(), re.MULTILINE)
