"""A lab of the tests' own, used as a person would use one: by its commands."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from klokken.paths import PROJECT, inventory_path
from klokken.stackconfig import config_path
from tests.lab import machine
from tests.lab.stack import KLOKKEN, Stack, run

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK = "test"
NETWORK = "198.18.7.0/24"


class Lab(Stack):
    """The lab under test, and the machine as it was before."""

    def __init__(self) -> None:
        super().__init__(STACK)
        self.before = machine.state(STACK)
        self.first_log = ""
        self.watch = machine.Watch()

    def klokken(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, and watch what the machine runs meanwhile."""
        with self.watch.kept():
            return super().klokken(*arguments)

    def up_by_hand(self) -> str:
        """Stand the lab up as a person does without the command line."""
        done = run("bash", "-c", f". ./activate && pulumi up --yes -s {STACK}")
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout

    def set_variables(self, tier: str, **variables: Any) -> dict[str, Any]:
        """Set the role variables of one tier, in place of those set before; return those."""
        site = yaml.safe_load(config_path(STACK).read_text())["config"]["klokken:site"]
        before: dict[str, Any] = site["tiers"][tier].get("variables", {})
        site["tiers"][tier]["variables"] = variables
        self.configure(site=site)
        return before

    def set_host_variables(self, tier: str, **hosts: dict[str, Any]) -> None:
        """Set the role variables of single hosts of a tier, in place of those set before."""
        site = yaml.safe_load(config_path(STACK).read_text())["config"]["klokken:site"]
        site["tiers"][tier]["hosts"] = hosts
        self.configure(site=site)

    def record(self, host: str, name: str) -> Any:
        """Return what the lab recorded of a host."""
        return json.loads(Path("/var/lib/klokken", STACK, "hosts", host, name).read_text())

    def ssh(self, host: str, command: str, stdin: str | None = None) -> str:
        """Return what a command prints on a host."""
        site = yaml.safe_load(inventory_path(STACK).read_text())["all"]
        tier = host.rstrip("0123456789")
        address = site["children"][tier]["hosts"][host]["ansible_host"]
        reach = ["-i", site["vars"]["ansible_ssh_private_key_file"]]
        reach += site["vars"]["ansible_ssh_common_args"].split()
        argv = ["ssh", "-o", "BatchMode=yes", *reach, f"root@{address}", command]
        return machine.printed(*argv, stdin=stdin)


def tiers_run(log: str) -> set[str]:
    """Return the tiers that Ansible went over, by the recaps in a log of `up`."""
    return set(re.findall(r"\[(\w+)\] done: ", log))


def changes(log: str) -> dict[str, int]:
    """Return how many tasks changed something, by tier."""
    return {tier: int(n) for tier, n in re.findall(r"\[(\w+)\] done: ok=\d+ changed=(\d+)", log)}


@contextmanager
def an_up_that_configures() -> Iterator[subprocess.Popen[str]]:
    """Start `klokken up`, wait for a role's first task, and see the end of it."""
    # A test run in the background ignores Ctrl-C, and so would its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [KLOKKEN, "up", STACK], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        next(line for line in process.stdout if "base: " in line)
        yield process
        process.stdout.read()
