"""What `up` prints of a task that failed."""

from __future__ import annotations

import builtins
import subprocess
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.ansible import resource
from stacks.ansible.playbook import message
from stacks.ansible.resource import AnsibleRunProvider

if TYPE_CHECKING:
    from pathlib import Path

OF_A_LOOP = {
    "msg": "One or more items failed",
    "results": [
        {"msg": "All assertions passed"},
        {"failed": True, "msg": "drive_version: missing"},
        {"failed": True, "msg": "drive_sha256: not 64 hexadecimal digits"},
    ],
}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"msg": "no such file"}, "no such file"),
        (OF_A_LOOP, "drive_version: missing; drive_sha256: not 64 hexadecimal digits"),
        ({"msg": "no package", "results": ["of apt, and no loop"]}, "no package"),
        ({"censored": "hidden"}, "hidden, since the task handles secrets"),
        ({}, "no message"),
    ],
)
def test_a_failure_says_what_each_failed_item_says(result: dict[str, object], said: str) -> None:
    assert message(result) == said


# Reads its order as Ansible's process does; the one of a database fails, any other waits.
PLAYBOOK = """
import json, sys
tier = json.loads(sys.stdin.readline())["tier"]
print("began", flush=True)
sys.stdin.read() if tier != "database" else None
sys.exit(f"{tier}: went wrong")
"""


def test_who_waits_for_a_tier_that_failed_waits_no_longer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start() -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        argv = [sys.executable, "-c", PLAYBOOK]
        return subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def run(tier: str) -> None:
        order = {"stack": "there", "tier": tier, "inventory": "", "secrets": {}}
        with pytest.raises(MachineError, match=f"{tier}: went wrong"):
            AnsibleRunProvider().create(order)

    began = Event()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(resource, "_start", start)
    monkeypatch.setattr(builtins, "print", lambda *_, **__: began.set())
    waiting = Thread(target=run, args=["identity"])
    waiting.start()
    assert began.wait(60)
    run("database")
    waiting.join(60)
    assert not waiting.is_alive()
