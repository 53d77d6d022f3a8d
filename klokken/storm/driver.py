"""The driver: has a planned storm rung by the load generator of a site, and fetches the record.

The load generator's units are `klokken-master.service` and `klokken-worker@N.service`; they
read `/run/klokken/storm.env`, which is written here.
"""

from __future__ import annotations

import contextlib
import selectors
import sys
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TextIO

from klokken import writes
from klokken.errors import InputError, MachineError
from klokken.record import Record
from klokken.remote import Remote
from klokken.storm.progress import ProgressLine
from klokken.storm.timing import lasting
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from klokken.inventory import Inventory
    from klokken.results import StormPlan

RUNTIME = "/run/klokken"
RUNS = "/var/lib/klokken/runs"
MASTER = "klokken-master.service"
WEB_PORT = 8089
# Seconds for the processes to start and find each other, and for the last of them to end.
STARTING = 90.0
ENDING = 45.0
# Seconds without a line of progress after which the units are looked at.
SILENCE = 10.0
# How long Locust's web interface stays after a storm at most, in seconds.
WEB_LINGERS = 3600.0
_JOURNAL_LINES = "12"


def ring(  # noqa: PLR0913 - what to ring and where, then what to tell of it
    inventory: Inventory,
    plan: StormPlan,
    folder: Path,
    *,
    web: bool = False,
    out: TextIO | None = None,
    opened: Callable[[float], None] | None = None,
) -> Record:
    """Ring the storm of `plan` and return its record, a copy of which is left in `folder`.

    Progress goes to `out`, standard error by default. With `web`, Locust's own interface is
    reachable on a loopback port while the storm lasts, and until Ctrl-C where `out` is a
    terminal. `opened` is told once when the storm opened, in Unix seconds, right to a second.
    Whatever happens, the units are stopped and the run's files on the host removed.
    Raises MachineError where the load generator did not do its part.
    """
    hosts = Remote.of(inventory, Tier.LOADGEN)
    if not hosts:
        raise InputError("inventory", "loadgen", "has no host", "give the tier one")
    storm = Storm(hosts[0], plan, out or sys.stderr, web=web, opened=opened)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"{folder}: cannot be made ({error.strerror})") from None
    with storm.on_host(edges(inventory)):
        storm.follow()
        for name in ["record.json", *([writes.NAME] if plan.profile.exam else [])]:
            hosts[0].fetch(f"{storm.run_folder}/{name}", folder / name)
        record = Record.read(folder / "record.json")
        storm.linger()
    return record


def worker_count(inventory: Inventory) -> int:
    """Return how many workers the load generator should run: one a core."""
    hosts = Remote.of(inventory, Tier.LOADGEN)
    if not hosts:
        raise InputError("inventory", "loadgen", "has no host", "give the tier one")
    text = hosts[0].run(["nproc"]).strip()
    if not text.isdigit():
        raise MachineError(f"{hosts[0].name}: nproc says {text!r}")
    return int(text)


def edges(inventory: Inventory) -> list[str]:
    """Return the only addresses that a storm may be sent to."""
    return [str(host.ansible_host) for host in inventory.hosts(Tier.EDGE).values()]


@dataclass(slots=True)
class Storm:
    """One storm on its load generator `host`."""

    host: Remote
    plan: StormPlan
    out: TextIO
    web: bool = False
    opened: Callable[[float], None] | None = None

    @property
    def run_folder(self) -> str:
        """The folder of the run on the host."""
        return f"{RUNS}/{self.plan.run}"

    @property
    def units(self) -> list[str]:
        """The units of the storm, the master first."""
        return [MASTER, *(f"klokken-worker@{n}.service" for n in range(1, self.plan.workers + 1))]

    def environment(self, allowed: list[str]) -> str:
        """Return the text of storm.env."""
        options = (
            "--autostart --web-host 127.0.0.1"
            if self.web
            else "--headless --only-summary --expect-workers-max-wait 60"
        )
        values = {
            "KLOKKEN_PLAN": f"{RUNTIME}/plan.json",
            "KLOKKEN_RUN_DIR": self.run_folder,
            "KLOKKEN_ALLOWED": ",".join(allowed),
            "KLOKKEN_WORKERS": str(self.plan.workers),
            "KLOKKEN_LOCUST_OPTIONS": options,
        }
        return "".join(f"{name}={value}\n" for name, value in values.items())

    @contextlib.contextmanager
    def on_host(self, allowed: list[str]) -> Iterator[None]:
        """Start the units; stop them and clear up whatever happens."""
        if self._state() in {"active", "activating"}:
            raise MachineError(
                f"{self.host.name}: another storm is being rung there; wait for its end,"
                f" or stop {MASTER}"
            )
        try:
            self._write("plan.json", self.plan.model_dump_json())
            self._write("storm.env", self.environment(allowed))
            self._root(["systemctl", "reset-failed", *self.units], check=False)
            self._start()
            yield
        finally:
            self._clear_up()

    def _start(self) -> None:
        try:
            self._root(["systemctl", "start", *self.units])
        except MachineError as error:
            raise self._failure() or error from None

    def _clear_up(self) -> None:
        self._root(["systemctl", "stop", *self.units], check=False, timeout=ENDING)
        files = [f"{RUNTIME}/plan.json", f"{RUNTIME}/storm.env"]
        self._root(["rm", "-rf", "--", self.run_folder, *files], check=False)

    def follow(self) -> None:
        """Show the storm's progress until its last line; raise MachineError where none comes."""
        deadline = time.monotonic() + STARTING + lasting(self.plan) + ENDING
        progress = ProgressLine(self.plan, self.out)
        # tail waits for the file to appear, and ends when the master does.
        script = (
            f"exec tail --pid=$(systemctl show -p MainPID --value {MASTER})"
            f" -s 0.5 -n +1 -F {self.run_folder}/progress.jsonl 2>/dev/null"
        )
        command = [
            *self.host.command(),
            self.host.remote_command(["sh", "-c", script], root=True),
        ]
        with self._web_interface(), self.host.process(command) as tail:
            for line in self._lines(tail.stdout, deadline):
                done = progress.show(line)
                self._tell_opening(progress)
                if done:
                    return
        progress.end()
        raise self._failure() or MachineError(
            f"{self.host.name}: the storm ended without a result; see `journalctl -u {MASTER}`"
        )

    def _tell_opening(self, progress: ProgressLine) -> None:
        # The seconds before the opening are told as 0.
        if self.opened and progress.second:
            self.opened(time.time() - progress.second)
            self.opened = None

    def _lines(self, stream: IO[bytes] | None, deadline: float) -> Iterator[str]:
        """Yield lines until the stream ends or time is up; look at the units in a silence."""
        if stream is None:
            return
        rest = b""
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            while (left := deadline - time.monotonic()) > 0:
                if not selector.select(min(left, SILENCE)):
                    if failure := self._failure():
                        raise failure
                    if self._state() == "inactive":
                        return
                    continue
                block = stream.read1(65536)  # type: ignore[attr-defined]  # a BufferedReader
                if not block:
                    return
                *lines, rest = (rest + block).split(b"\n")
                yield from (line.decode("utf-8", "replace") for line in lines)

    @contextlib.contextmanager
    def _web_interface(self) -> Iterator[None]:
        if not self.web:
            yield
            return
        with self.host.forward(WEB_PORT, timeout=STARTING) as port:
            self.out.write(f"Locust's web interface: http://127.0.0.1:{port}\n")
            yield

    def linger(self) -> None:
        """Keep the web interface for as long as someone looks at it."""
        if not self.web or not self.out.isatty():
            return
        with self._web_interface(), contextlib.suppress(KeyboardInterrupt):
            self.out.write("The storm is over. Press Ctrl-C when you have seen enough.\n")
            time.sleep(WEB_LINGERS)

    def _failure(self) -> MachineError | None:
        """Return what the first failed unit last said, or nothing where none has failed."""
        states = self.host.run(["systemctl", "is-failed", *self.units], check=False).split()
        for unit, state in zip(self.units, states, strict=False):
            if state == "failed":
                journal = [
                    "journalctl",
                    "-u",
                    unit,
                    "-n",
                    _JOURNAL_LINES,
                    "-o",
                    "cat",
                    "--no-pager",
                ]
                said = self._root(journal, check=False).strip()
                return MachineError(f"{self.host.name}: {unit} failed; its journal ends:\n{said}")
        return None

    def _state(self) -> str:
        """Return whether the master is active, as systemd calls it."""
        return self.host.run(["systemctl", "is-active", MASTER], check=False).strip()

    def _write(self, name: str, text: str) -> None:
        script = f"umask 022; mkdir -p {RUNTIME} && cat > {RUNTIME}/{name}"
        self._root(["sh", "-c", script], given=text.encode())

    def _root(
        self, argv: list[str], *, given: bytes = b"", check: bool = True, timeout: float = 60.0
    ) -> str:
        return self.host.run(argv, given=given, check=check, timeout=timeout, root=True)
