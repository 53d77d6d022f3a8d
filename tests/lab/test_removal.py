"""However a lab comes to its end, `down` leaves the machine as it was. These tests are the last."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from klokken.errors import Exit
from stacks.lab.container import wait_until
from tests.lab import machine
from tests.lab.laboratory import STACK, an_up_that_configures, tiers_run

if TYPE_CHECKING:
    from tests.lab.laboratory import Lab

pytestmark = pytest.mark.timeout(1800)


def test_a_killed_pulumi_leaves_no_ansible_and_no_lock_that_keeps_up_from_going_on(
    lab: Lab,
) -> None:
    lab.set_variables("edge", edge_identity_maxconn=7)
    with an_up_that_configures() as process:
        for pid, line in machine.command_lines().items():
            if line.startswith("pulumi up") and f" {STACK} " in line:
                os.kill(pid, signal.SIGKILL)
    assert process.returncode == Exit.MACHINE
    assert wait_until(lambda: machine.state(STACK)["playbooks"] == [], 30)
    assert tiers_run(lab.up()) == {"edge"}
    assert "maxconn 7" in lab.ssh("edge1", "cat /etc/haproxy/haproxy.cfg")


def test_down_leaves_the_machine_as_it_was_also_twice(lab: Lab) -> None:
    # Somebody stands in a host's tree meanwhile.
    tree = Path("/var/lib/klokken", STACK, "hosts/edge1/root/etc")
    with subprocess.Popen(["sleep", "infinity"], cwd=tree) as visitor:
        try:
            assert lab.klokken("down", STACK).returncode == 0
        finally:
            visitor.kill()
    assert machine.state(STACK) == lab.before
    assert lab.klokken("down", STACK).returncode == 0
    assert machine.state(STACK) == lab.before
