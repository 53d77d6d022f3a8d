"""The units of a storm on its hosts: started together, and stopped and cleared up together.

They are `klokken-master.service` and `klokken-worker@N.service`, and read `storm.env`, which is
written here.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO, TypeVar

from klokken import loadgen
from klokken.errors import MachineError
from klokken.storm.folder import PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from klokken.results import StormPlan
    from klokken.storm.stations import Station

# Seconds for the last of the processes to end.
ENDING = 45.0
# How Locust's master runs with its web interface, and without.
WATCHED = "--autostart --web-host 127.0.0.1"
ALONE = "--headless --only-summary --expect-workers-max-wait 60"
_JOURNAL_LINES = "12"

T = TypeVar("T")


@dataclass(slots=True)
class Units:
    """The units of one host; `kept` says that the run's files are to stay there."""

    station: Station
    plan: StormPlan
    master: bool
    kept: bool = False

    @property
    def names(self) -> list[str]:
        """Their names, the master's first."""
        workers = range(1, self.station.workers + 1)
        return [loadgen.MASTER] * self.master + [loadgen.worker(number) for number in workers]

    @property
    def run_folder(self) -> str:
        """The folder of the run on the host."""
        return f"{loadgen.RUNS}/{self.plan.run}"

    def environment(self, allowed: Sequence[str], *, web: bool) -> str:
        """Return the text of storm.env; `allowed` are the only addresses a storm may go to."""
        values = {
            "KLOKKEN_PLAN": f"{loadgen.RUNTIME}/{PLAN}",
            "KLOKKEN_RUN_DIR": self.run_folder,
            "KLOKKEN_ALLOWED": ",".join(allowed),
            "KLOKKEN_WORKERS": str(self.plan.workers),
            "KLOKKEN_LOCUST_OPTIONS": WATCHED if web else ALONE,
        }
        if len(self.station.addresses) > 1:
            values["KLOKKEN_SOURCES"] = ",".join(self.station.addresses)
        return "".join(f"{name}={value}\n" for name, value in values.items())

    def start(self, environment: str) -> None:
        """Start them; raise MachineError with what one said that does not start."""
        self._write(PLAN, self.plan.model_dump_json())
        self._write("storm.env", environment)
        self._root(["systemctl", "reset-failed", *self.names], check=False)
        try:
            self._root(["systemctl", "start", *self.names])
        except MachineError as error:
            raise self.failure() or error from None

    def stop(self) -> None:
        """Stop them, and remove the run's files; one that is kept keeps its plan, too."""
        self._root(["systemctl", "stop", *self.names], check=False, timeout=ENDING)
        files = [f"{loadgen.RUNTIME}/{PLAN}", f"{loadgen.RUNTIME}/storm.env"]
        runs = [] if self.kept else [self.run_folder]
        if self.kept:
            self._root(["mv", "-f", "--", files[0], self.run_folder], check=False)
        self._root(["rm", "-rf", "--", *runs, *files], check=False)

    def failure(self) -> MachineError | None:
        """Return what the first failed unit last said, or nothing where none has failed."""
        shown = self.station.host.run(["systemctl", "is-failed", *self.names], check=False)
        for unit, state in zip(self.names, shown.split(), strict=False):
            if state == "failed":
                said = self._root(
                    ["journalctl", "-u", unit, "-n", _JOURNAL_LINES, "-o", "cat", "--no-pager"],
                    check=False,
                )
                name = self.station.host.name
                return MachineError(f"{name}: {unit} failed; its journal ends:\n{said.strip()}")
        return None

    def ending(self) -> str:
        """Return how the master came to its end, in a line; empty where it did so in order."""
        try:
            show = ["systemctl", "show", "-p", "Result", "--value", loadgen.MASTER]
            result = self.station.host.run(show).strip()
            if result == "exit-code":
                own = ["journalctl", f"_SYSTEMD_UNIT={loadgen.MASTER}", "-n", "1", "-o", "cat"]
                return self._root([*own, "--no-pager"]).strip()
        except MachineError as error:
            return str(error)
        return "" if result == "success" else f"its unit ended by {result}"

    def master_is_gone(self) -> bool:
        """Say whether the master has ended, for whatever reason."""
        state = self.station.host.run(["systemctl", "is-active", loadgen.MASTER], check=False)
        return state.strip() == "inactive"

    def _write(self, name: str, text: str) -> None:
        place = loadgen.RUNTIME
        script = f"umask 022; mkdir -p {place} && cat > {place}/{name}"
        self._root(["sh", "-c", script], given=text.encode())

    def _root(
        self, argv: list[str], *, given: bytes = b"", check: bool = True, timeout: float = 60.0
    ) -> str:
        host = self.station.host
        return host.run(argv, given=given, check=check, timeout=timeout, root=True)


@contextlib.contextmanager
def running(
    hosts: Sequence[Units], allowed: Sequence[str], out: TextIO, *, web: bool
) -> Iterator[None]:
    """Start the units of all hosts; stop them and clear up on all, whatever happens.

    A host that cannot be cleared up is told on `out`: it is out of reach, and its units end by
    themselves when they miss their master.
    """

    def stop(units: Units) -> None:
        try:
            units.stop()
        except MachineError as error:
            out.write(f"not cleared up: {error}\n")

    try:
        everywhere(hosts, lambda units: units.start(units.environment(allowed, web=web)))
        yield
    finally:
        everywhere(hosts, stop)


def everywhere(hosts: Sequence[Units], do: Callable[[Units], T]) -> list[T]:
    """Do something on all hosts at once; raise the first error when all have ended."""
    with ThreadPoolExecutor(len(hosts)) as pool:
        return list(pool.map(do, hosts))
