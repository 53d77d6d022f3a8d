"""Run site.yml for one tier through ansible-runner, in a process of its own.

The process reads one line of JSON (`Order`) from standard input and then waits there for its
end: when whoever started it is gone, even killed, the pipe closes and Ansible is stopped. It
prints a line a task; what went wrong goes to standard error.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import ansible_mitogen
import ansible_runner
import yaml

from klokken.document import Document
from klokken.inventory import Inventory
from klokken.paths import PROJECT
from klokken.topology import Tier
from stacks.ansible.evidence import journal
from stacks.ansible.sources import tasks_of
from stacks.provider import cancelled

# Memory, not disk: what is written there, secrets among it, is gone with the run.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the run's own folder in it is private
# PR_SET_CHILD_SUBREAPER of linux/prctl.h.
SUBREAPER = 36
STRATEGIES = "plugins/strategy"
# So many changes are named at the end; more of them are a first installation.
FEW = 5


class Order(Document):
    """One run to make. `secrets` are variables; the last run may be `unfinished`."""

    stack: str
    tier: str
    inventory: str
    secrets: dict[str, str]
    unfinished: bool


class Watch:
    """Follows a run: prints each task as it starts, keeps the failures."""

    def __init__(self, order: Order, total: int) -> None:
        """Watch a run of about `total` tasks."""
        self.order = order
        self.total = total
        self.tasks = 0
        self.failures: list[dict[str, Any]] = []
        self.changes: list[str] = []
        self.stopped = threading.Event()

    def __call__(self, event: dict[str, Any]) -> bool:
        """Take one event of ansible-runner; True keeps it for the run's statistics."""
        data = event.get("event_data", {})
        kind = event["event"]
        if kind == "playbook_on_task_start":
            self.tasks += 1
            name = str(data.get("task", "")).rpartition(" : ")[2]
            count = f"{self.tasks}/{max(self.total, self.tasks)}"
            say(f"[{self.order.tier}] {count} {data.get('role', '')}: {name}")
        elif kind == "runner_on_unreachable" or (
            kind == "runner_on_failed" and not data.get("ignore_errors")
        ):
            self.failures.append(data)
        elif kind == "runner_on_ok" and data.get("res", {}).get("changed"):
            self.changes.append(str(data.get("task")))
        return True

    def cancelled(self) -> bool:
        """Say whether the run shall end early."""
        return self.stopped.is_set() or cancelled()

    def wait_for_end_of_input(self) -> None:
        """Stop the run when the starter's end of the pipe closes."""
        sys.stdin.read()
        self.stopped.set()


def main() -> int:
    """Run the order on standard input; return 0 when every task did well."""
    os.umask(0o077)
    order = Order.model_validate(json.loads(sys.stdin.readline()))
    folder = SHARED_MEMORY / f"klokken-{os.getuid()}-{order.stack}-{order.tier}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _adopt_orphans()
    try:
        return _run(order, folder)
    finally:
        _end_children()
        shutil.rmtree(folder, ignore_errors=True)


def _adopt_orphans() -> None:
    """Become the parent of processes whose own ends, so that none is out of reach (prctl(2))."""
    ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def _end_children() -> None:
    """End whatever Ansible left behind: it, too, may have been killed before its helpers."""
    me = os.getpid()
    while children := Path(f"/proc/{me}/task/{me}/children").read_text().split():
        for child in map(int, children):
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(child, 0)


def _run(order: Order, folder: Path) -> int:
    inventory = folder / "hosts.yml"
    inventory.write_text(order.inventory)
    variables = folder / "variables.yml"
    variables.write_text(yaml.safe_dump({**order.secrets, "site_unfinished": order.unfinished}))
    if order.unfinished:
        say(f"[{order.tier}] the last run did not come to its end: services are restarted")
    watch = Watch(order, tasks_of(Tier(order.tier)))
    threading.Thread(target=watch.wait_for_end_of_input, daemon=True).start()
    runner = ansible_runner.run(
        private_data_dir=str(folder),
        project_dir=str(PROJECT),
        playbook="site.yml",
        inventory=str(inventory),
        limit=order.tier,
        cmdline=f"-e @{variables}",
        envvars={
            "ANSIBLE_CONFIG": str(PROJECT / "ansible.cfg"),
            "ANSIBLE_HOST_KEY_CHECKING": "1",
            # One Python a host for the whole run, instead of a new one for each task.
            "ANSIBLE_STRATEGY": "mitogen_linear",
            "ANSIBLE_STRATEGY_PLUGINS": str(Path(ansible_mitogen.__file__).parent / STRATEGIES),
        },
        event_handler=watch,
        cancel_callback=watch.cancelled,
        quiet=True,
    )
    return _conclude(order, runner, watch)


def _conclude(order: Order, runner: Any, watch: Watch) -> int:
    """Print the recap, or on standard error what went wrong."""
    if runner.rc == 0:
        counts = {k: sum((runner.stats or {}).get(k, {}).values()) for k in ("ok", "changed")}
        what = ", ".join(watch.changes) if len(watch.changes) <= FEW else ""
        recap = f"ok={counts['ok']} changed={counts['changed']}"
        say(f"[{order.tier}] done: {recap}" + (f": {what}" if what else ""))
        return 0
    if runner.status == "canceled":
        complain(f"{order.tier}: canceled; `up` again goes on from here")
    for failure in watch.failures:
        complain(_describe(order, failure))
    if runner.status == "failed" and not watch.failures:
        complain(f"{order.tier}: {runner.stdout.read().strip()[-2000:]}")
    return 1


def _describe(order: Order, failure: dict[str, Any]) -> str:
    """Return the task, the host, the message and the journal of the units concerned."""
    result = failure.get("res", {})
    extra = [str(result[k]).strip() for k in ("stderr", "stdout") if result.get(k)]
    detail = "\n".join(extra)[-1500:]
    where = f"{failure.get('host')}: {failure.get('role', '')}: {failure.get('task')}"
    inventory = Inventory.model_validate(yaml.safe_load(order.inventory))
    evidence = journal(inventory, str(failure.get("host")), str(failure.get("role", "")))
    return "\n".join(part for part in (f"{where}: {message(result)}", detail, evidence) if part)


def message(result: dict[str, Any]) -> str:
    """Return what a task says of its failure; of a loop, what each item that failed says."""
    items = [each for each in result.get("results", []) if isinstance(each, dict)]
    failed = [message(each) for each in items if each.get("failed")]
    hidden = "hidden, since the task handles secrets" if result.get("censored") else "no message"
    return "; ".join(failed) or str(result.get("msg") or hidden)


def say(line: str) -> None:
    """Print a line of progress at once."""
    print(line, flush=True)  # noqa: T201 - Pulumi shows what this prints


def complain(text: str) -> None:
    """Print what went wrong."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - the starter reports what this prints


if __name__ == "__main__":
    sys.exit(main())
