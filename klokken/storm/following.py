"""Following a storm from here: its progress line by line, and a copy of its journal."""

from __future__ import annotations

import contextlib
import selectors
import time
from dataclasses import dataclass, field
from subprocess import DEVNULL, TimeoutExpired
from typing import IO, TYPE_CHECKING, TextIO

from klokken import loadgen
from klokken.errors import MachineError
from klokken.storm.folder import PROGRESS
from klokken.storm.progress import ProgressLine
from klokken.storm.timing import lasting
from klokken.storm.units import ENDING, everywhere

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from klokken.remote import Remote
    from klokken.results import StormPlan
    from klokken.storm.units import Units

# Seconds for the processes to start and find each other.
STARTING = 90.0
# Seconds without a line of progress after which the units are looked at, and asked for it anew.
SILENCE = 10.0
# Seconds for which the master's host may be out of reach; its storm goes on meanwhile.
OUT_OF_REACH = 60.0
# Seconds before the host is asked again.
_AGAIN = 1.0
# Seconds for what is left of a journal to arrive.
_REST = 5.0
# How long Locust's web interface stays after a storm at most, in seconds.
WEB_LINGERS = 3600.0


@dataclass(slots=True)
class Following:
    """One storm that is being rung on `hosts`, the first of which has the master."""

    hosts: Sequence[Units]
    plan: StormPlan
    out: TextIO
    web: bool = False
    opened: Callable[[float], None] | None = None
    progress: ProgressLine = field(init=False)

    def __post_init__(self) -> None:
        """Begin with nothing shown."""
        self.progress = ProgressLine(self.plan, self.out)

    @property
    def master(self) -> Remote:
        """The host that has the master."""
        return self.hosts[0].station.host

    def follow(self) -> None:
        """Show the storm's progress until its last line; raise MachineError where none comes."""
        deadline = time.monotonic() + STARTING + lasting(self.plan) + ENDING
        with self._web_interface():
            for line in self._lines(deadline):
                done = self.progress.show(line)
                self._tell_opening()
                if done:
                    return
        self.progress.end()
        raise self._failure() or MachineError(
            f"{self.master.name}: the storm ended without a result;"
            f" see `journalctl -u {loadgen.MASTER}`"
        )

    @contextlib.contextmanager
    def copying(self, name: str, copy: Path) -> Iterator[None]:
        """Have `copy` grow with the file called `name` of the run; what came stays."""
        try:
            file = copy.open("wb")
        except OSError as error:
            raise MachineError(f"{copy}: cannot be written ({error.strerror})") from None
        with file, self.master.process(self._tail(name), stdout=file, stderr=DEVNULL) as tail:
            try:
                yield
            except MachineError:
                # The master may be gone, and its last words still be on their way.
                with contextlib.suppress(TimeoutExpired):
                    tail.wait(_REST)
                raise

    def linger(self) -> None:
        """Keep the web interface for as long as someone looks at it."""
        if not self.web or not self.out.isatty():
            return
        with self._web_interface(), contextlib.suppress(KeyboardInterrupt):
            self.out.write("The storm is over. Press Ctrl-C when you have seen enough.\n")
            time.sleep(WEB_LINGERS)

    def _tail(self, name: str, lines: str = "+1") -> list[str]:
        # tail waits for the file to appear, and ends when the master does.
        script = (
            f"exec tail --pid=$(systemctl show -p MainPID --value {loadgen.MASTER})"
            f" -s 0.5 -n {lines} -F {self.hosts[0].run_folder}/{name} 2>/dev/null"
        )
        return [
            *self.master.command(),
            self.master.remote_command(["sh", "-c", script], root=True),
        ]

    def _tell_opening(self) -> None:
        # The seconds before the opening are told as 0.
        if self.opened and self.progress.second:
            self.opened(time.time() - self.progress.second)
            self.opened = None

    def _lines(self, deadline: float) -> Iterator[str]:
        """Yield lines of progress until the master has ended, or time is up.

        A connection that is lost, or silent, is made anew: the storm does not depend on it.
        """
        lines = "+1"
        while time.monotonic() < deadline:
            with self.master.process(self._tail(PROGRESS, lines)) as tail:
                yield from _lines_of(tail.stdout, deadline)
            if self._is_over(deadline):
                # What came last may have been missed.
                last = ["tail", "-n", "1", "--", f"{self.hosts[0].run_folder}/{PROGRESS}"]
                yield self.master.run(last, root=True, check=False)
                return
            # Those before the last are of the past.
            lines = "1"
            time.sleep(_AGAIN)

    def _is_over(self, deadline: float) -> bool:
        """Say whether the master has ended.

        Raises MachineError where a unit failed, or a host stays out of reach.
        """
        end = min(deadline, time.monotonic() + OUT_OF_REACH)
        while True:
            try:
                failure, over = self._failure(), self.hosts[0].master_is_gone()
            except MachineError:
                if time.monotonic() >= end:
                    raise
                time.sleep(_AGAIN)
                continue
            if failure:
                raise failure
            return over

    def _failure(self) -> MachineError | None:
        """Return why the storm cannot go on: before it opened, any unit that failed.

        Later on only the master counts: the storm goes on without a worker that is lost.
        """
        hosts = self.hosts[:1] if self.progress.second else self.hosts
        return next(filter(None, everywhere(hosts, lambda units: units.failure())), None)

    @contextlib.contextmanager
    def _web_interface(self) -> Iterator[None]:
        if not self.web:
            yield
            return
        with self.master.forward(loadgen.WEB_PORT, timeout=STARTING) as port:
            self.out.write(f"Locust's web interface: http://127.0.0.1:{port}\n")
            yield


def _lines_of(stream: IO[bytes] | None, deadline: float) -> Iterator[str]:
    """Yield lines until the stream ends or is silent, or time is up."""
    if stream is None:
        return
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while (left := deadline - time.monotonic()) > 0:
            if not selector.select(min(left, SILENCE)):
                return
            block = stream.read1(65536)  # type: ignore[attr-defined]  # a BufferedReader
            if not block:
                return
            *lines, rest = (rest + block).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
