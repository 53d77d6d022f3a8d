"""The playbook and all roles, as Ansible and its linter read them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from klokken.paths import PROJECT

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


@pytest.mark.timeout(300)
def test_the_linter_finds_nothing_at_its_strictest() -> None:
    done = ansible("ansible-lint", "--profile", "production", "--offline", "-f", "codeclimate")
    found = [
        f"{f['location']['path']}: {f['check_name']}: {f['description']}"
        for f in json.loads(done.stdout or "[]")
    ]
    assert found == [], "\n".join(found)
    assert done.returncode == 0, done.stderr


def test_the_linter_is_told_to_overlook_nothing() -> None:
    settings = (PROJECT / ".ansible-lint").read_text()
    assert "skip_list" not in settings
    assert "warn_list" not in settings
