"""The Pulumi resource that configures the hosts of one tier."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from klokken.deadline import Deadline
from klokken.errors import MachineError
from klokken.paths import PROJECT
from klokken.roles import roles_of
from klokken.topology import Tier
from stacks.ansible.mark import Mark
from stacks.lab.network import LabNetwork
from stacks.limits import ANSIBLE
from stacks.provider import quiet_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

# Seconds for a run that has had its time to end by itself.
GRACE = 60.0
RELAY = 1.5
# A run renews a certificate that has fewer than 30 days left. Where the last one is as long ago as
# this, in seconds, the next `up` makes another: there are always days left for it.
RENEWAL = 14 * 24 * 3600
# What Ansible needs of the environment; anything else, such as a passphrase, stays here.
KEPT = ("HOME", "KLOKKEN_CANCEL", "LANG", "PATH", "SSL_CERT_FILE", "USER", "XDG_CACHE_HOME")
KEPT_PREFIXES = ("PIP_", "LC_")
PROXIES = ("http_proxy", "https_proxy", "no_proxy")
# Whose role waits for another tier's host inside, and would do so in vain when that tier failed.
WAITS_FOR = {"identity": "database"}
# All runs of this process, which Pulumi starts for all resources together.
_running: dict[tuple[str, str], subprocess.Popen[str]] = {}


class AnsibleRunProvider(ResourceProvider):
    """Runs Ansible when the hosts, the roles, the variables or the secrets of a tier differ.

    It also does when the last run did not come to its end, or when certificates may have to be
    renewed.
    """

    limits = ANSIBLE

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Configure hosts for the first time."""
        outs = self._configured(props, Deadline.of(props["tier"], "create", self.limits.create))
        return CreateResult(f"{props['stack']}-{props['tier']}", outs)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Run again for any difference; another stack or tier is another run."""
        again = Mark(news["stack"], news["tier"]).exists() or _renews(olds)
        keys = ("stack", "tier", "inventory", "instances", "sources", "secrets", "revision")
        different = [key for key in keys if olds.get(key) != news.get(key)]
        replaces = [key for key in different if key in ("stack", "tier")]
        changes = bool(different) or again
        return DiffResult(changes=changes, replaces=replaces, delete_before_replace=True)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Configure the hosts again."""
        deadline = Deadline.of(news["tier"], "update", self.limits.update)
        return UpdateResult(self._configured(news, deadline))

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Leave the hosts as they are."""
        Mark(props["stack"], props["tier"]).remove()

    def _configured(self, props: dict[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Run Ansible; return what it was given, and when it did well (in seconds since 1970)."""
        with Mark(props["stack"], props["tier"]).kept() as unfinished:
            _run({**props, "unfinished": unfinished}, deadline)
        return {**props, "ran": time.time()}


@dataclass(frozen=True)
class RunArgs:
    """One tier to configure.

    `instances` are the ids of the hosts' data, so that a host made anew is configured anew;
    `sources` is the hash of the roles; `gate` names the lab network to open for installing.
    """

    stack: str
    tier: str
    inventory: pulumi.Input[str]
    instances: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    sources: str
    secrets: pulumi.Output[dict[str, str]]
    revision: int
    gate: Mapping[str, Any] | None


class AnsibleRun(Resource, module="klokken", name="AnsibleRun"):
    """The hosts of one tier, configured as site.yml says."""

    def __init__(self, args: RunArgs, opts: pulumi.ResourceOptions) -> None:
        """Declare the run."""
        props = vars(args)
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["secrets"])
        merged = pulumi.ResourceOptions.merge(hidden, opts)
        super().__init__(AnsibleRunProvider(), f"{args.stack}-{args.tier}", props, merged)


def _renews(olds: Mapping[str, Any]) -> bool:
    """Say whether the tier has certificates, and a run to renew them is due."""
    has = "certificate" in roles_of(Tier(olds["tier"]))
    return has and time.time() - olds.get("ran", 0.0) > RENEWAL


def _run(props: Mapping[str, Any], deadline: Deadline) -> None:
    """Start the playbook in a process of its own and pass its progress on; raise MachineError."""
    order = {key: props[key] for key in ("stack", "tier", "inventory", "secrets", "unfinished")}
    with _gate(props), _start() as process:
        if process.stdin is None or process.stdout is None or process.stderr is None:
            raise MachineError("ansible: started without pipes")
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        with _known(props["stack"], props["tier"], process), _ended_by(deadline, process):
            for line in process.stdout:
                print(line, end="", flush=True)  # noqa: T201 - Pulumi shows what a provider prints
            complaint = process.stderr.read().strip()
            code = process.wait()
        if code:
            _end_who_waits(props["stack"], props["tier"])
            deadline.left()
            raise MachineError(complaint or f"{props['tier']}: Ansible ended without a word")
    # Pulumi passes printed lines on in its own time, and drops those still on their way at the end.
    time.sleep(RELAY)


@contextmanager
def _known(stack: str, tier: str, process: subprocess.Popen[str]) -> Iterator[None]:
    _running[stack, tier] = process
    try:
        yield
    finally:
        del _running[stack, tier]


@contextmanager
def _ended_by(deadline: Deadline, process: subprocess.Popen[str]) -> Iterator[None]:
    """End a run that has had its time: by the end of its input, and at last by force."""
    over = threading.Event()

    def watch() -> None:
        if over.wait(max(0.0, deadline.ends - time.monotonic())):
            return
        # Who waits for a tier that failed may be ending it at the same moment.
        with suppress(OSError):
            if process.stdin:
                process.stdin.close()
        if not over.wait(GRACE):
            process.kill()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _end_who_waits(stack: str, failed: str) -> None:
    """Let a run end that waits for the tier that has failed: the end of its input is its own."""
    for tier, needed in WAITS_FOR.items():
        process = _running.get((stack, tier))
        if needed == failed and process and process.stdin:
            process.stdin.close()


def _gate(props: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Return the lab's gate to package sources, where there is a lab."""
    gate = props.get("gate")
    if not gate:
        return nullcontext()
    return LabNetwork(props["stack"], gate["network"]).gate(list(gate["addresses"]))


def _start() -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-m", "stacks.ansible.playbook"],
        cwd=PROJECT,
        env=_environment(),
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
        start_new_session=True,
    )


def _environment() -> dict[str, str]:
    def kept(name: str) -> bool:
        return name in KEPT or name.startswith(KEPT_PREFIXES) or name.lower() in PROXIES

    return {name: value for name, value in os.environ.items() if kept(name)}


quiet_errors()
