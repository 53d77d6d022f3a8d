"""What a role makes only once is there whole, or is made anew: a run may be killed in between."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from klokken.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

# Writes the half of its file, and the whole one only where it is not killed.
OCIS = """#!/bin/sh
[ "$*" = "init --insecure no" ] || exit 9
mkdir -p "$OCIS_CONFIG_DIR" || exit 9
printf half > "$OCIS_CONFIG_DIR/ocis.yaml"
[ -e {killed} ] && exit 137
printf whole > "$OCIS_CONFIG_DIR/ocis.yaml"
"""
SLAPADD = """#!/bin/sh
folder=$(sed -n 's/^directory //p' "$2")
printf half > "$folder/data.mdb"
touch "$folder/lock.mdb"
[ -e {killed} ] && exit 137
cat > "$folder/data.mdb"
"""


class Host:
    """A host in a folder, on which the command of a task is run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.killed = folder / "killed"
        self.data = folder / "data"
        self.data.mkdir()

    def has(self, program: str, text: str) -> None:
        path = self.folder / program
        path.write_text(text.format(killed=self.killed))
        path.chmod(0o755)

    def run(self, file: str, name: str, values: dict[str, str]) -> int:
        """Run the command of the task `name` as the user that it becomes; return its code."""
        tasks = yaml.safe_load((PROJECT / "roles" / file).read_text())
        (task,) = [task for task in tasks if task["name"] == name]
        argv = task["ansible.builtin.command"]["argv"]
        for placeholder, value in values.items():
            argv = [word.replace(placeholder, value) for word in argv]
        assert argv[:2] == ["runuser", "-u"]
        path = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            argv[argv.index("--") + 1 :],
            input="dn: o=skole\n",
            env={"PATH": path},
            text=True,
            capture_output=True,
            check=False,
        ).returncode


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_drive_has_its_own_configuration_whole_or_not_at_all(host: Host) -> None:
    host.has("ocis", OCIS)
    values = {
        "/opt/drive/{{ drive_product }}": str(host.folder / "ocis"),
        "{{ drive_prefix }}": "OCIS",
        "{{ drive_data }}": str(host.data),
    }
    task = ("drive/tasks/service.yml", "Configuration and secrets of the product itself")
    host.killed.touch()
    assert host.run(*task, values) != 0
    assert not (host.data / "config").exists()
    host.killed.unlink()
    assert host.run(*task, values) == 0
    assert [path.name for path in host.data.iterdir()] == ["config"]
    assert (host.data / "config/ocis.yaml").read_text() == "whole"


def test_a_directory_has_the_root_of_its_tree_whole_or_not_at_all(host: Host) -> None:
    host.has("slapadd", SLAPADD)
    settings = host.folder / "slapd.conf"
    settings.write_text(f"suffix o=skole\ndirectory {host.data}\nmaxsize 1\n")
    values = {"/etc/ldap/slapd.conf": str(settings), "{{ directory_data }}": str(host.data)}
    task = ("directory/tasks/main.yml", "Root of the tree")
    host.killed.touch()
    assert host.run(*task, values) != 0
    assert not (host.data / "data.mdb").exists()
    host.killed.unlink()
    assert host.run(*task, values) == 0
    assert [path.name for path in host.data.iterdir()] == ["data.mdb"]
    assert (host.data / "data.mdb").read_text() == "dn: o=skole\n"
