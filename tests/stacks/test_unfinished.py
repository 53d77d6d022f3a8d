"""A run of Ansible that did not come to its end is not forgotten, and certificates are renewed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from klokken.errors import MachineError
from klokken.paths import unfinished_folder
from stacks.ansible import resource
from stacks.ansible.resource import RENEWAL, AnsibleRunProvider
from tests.stacks.ansible_run import RUN

if TYPE_CHECKING:
    from pathlib import Path

CHANGED = {**RUN, "inventory": "all: {vars: {edge_identity_maxconn: 7}}"}
# Reads its order as Ansible's process does, keeps it, and ends with the code that it finds.
PLAYBOOK = """
import pathlib, sys
folder = pathlib.Path(sys.argv[1])
(folder / "order").write_text(sys.stdin.readline())
sys.exit((folder / "complaint").read_text() or None)
"""


class Hosts:
    """Hosts that Ansible configures, or fails to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.work()

    def work(self) -> None:
        (self.folder / "complaint").write_text("")

    def fail(self) -> None:
        (self.folder / "complaint").write_text("edge1: edge: no")

    def order(self) -> dict[str, Any]:
        """Return what the last run was told."""
        told: dict[str, Any] = json.loads((self.folder / "order").read_text())
        return told

    def start(self) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        argv = [sys.executable, "-c", PLAYBOOK, str(self.folder)]
        return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.fixture
def hosts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hosts:
    found = Hosts(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(resource, "_start", found.start)
    monkeypatch.setattr(resource, "RELAY", 0.0)
    return found


def update(olds: dict[str, Any], news: dict[str, Any]) -> dict[str, Any]:
    """Configure again; return what Pulumi keeps."""
    outs = AnsibleRunProvider().update("here-edge", olds, news).outs
    assert outs is not None
    return outs


def differs(olds: dict[str, Any], news: dict[str, Any]) -> bool:
    found = AnsibleRunProvider().diff("here-edge", olds, news)
    assert found.replaces == []
    return bool(found.changes)


def test_a_change_that_failed_and_is_taken_back_runs_ansible_again(hosts: Hosts) -> None:
    kept = AnsibleRunProvider().create(RUN).outs
    assert kept is not None
    assert not differs(kept, RUN)
    hosts.fail()
    with pytest.raises(MachineError, match="edge1: edge: no"):
        update(kept, CHANGED)
    # Pulumi has kept what it knew before, and the variable is as it was before.
    assert differs(kept, RUN)
    hosts.work()
    kept = update(kept, RUN)
    assert not differs(kept, RUN)


def test_only_the_run_after_one_that_failed_restarts_services(hosts: Hosts) -> None:
    hosts.fail()
    with pytest.raises(MachineError):
        AnsibleRunProvider().create(RUN)
    assert hosts.order()["unfinished"] is False
    hosts.work()
    kept = AnsibleRunProvider().create(RUN).outs
    assert kept is not None
    assert hosts.order()["unfinished"] is True
    update(kept, CHANGED)
    assert hosts.order()["unfinished"] is False


def test_a_run_that_is_killed_with_pulumi_is_not_forgotten(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = AnsibleRunProvider().create(RUN).outs
    assert kept is not None

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(resource, "_run", killed)
        with pytest.raises(KeyboardInterrupt):
            update(kept, CHANGED)
    assert differs(kept, RUN)
    update(kept, RUN)
    assert hosts.order()["unfinished"] is True


def test_each_tier_has_a_mark_of_its_own_that_goes_with_it(hosts: Hosts) -> None:
    hosts.fail()
    with pytest.raises(MachineError):
        AnsibleRunProvider().create(RUN)
    drive = {**RUN, "tier": "drive"}
    assert not differs(drive, drive)
    assert differs(RUN, RUN)
    AnsibleRunProvider().delete("here-edge", RUN)
    assert list(unfinished_folder("here").iterdir()) == []


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(("tier", "again"), [("edge", True), ("database", True), ("drive", False)])
def test_a_tier_with_certificates_is_gone_over_in_time_to_renew_them(
    tier: str, *, again: bool
) -> None:
    props = {**RUN, "tier": tier}
    kept = AnsibleRunProvider().create(props).outs
    assert kept is not None
    assert not differs(kept, props)
    assert differs({**kept, "ran": time.time() - RENEWAL - 1}, props) is again
