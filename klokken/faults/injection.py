"""Making a fault and undoing it, whatever happens meanwhile."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.document import Document
from klokken.errors import MachineError
from klokken.faults.ways import GUARD, SCRIPT_SECONDS, TOOLS, ways
from klokken.remote import Remote
from klokken.results import Seconds
from klokken.workspace import tools_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from threading import Event

    from klokken.faults.kinds import Fault
    from klokken.faults.ways import Step, Way
    from klokken.inventory import Inventory

# How often an undoing is tried, with this many seconds between; the host's own guard comes after.
TRIES, PAUSE = 3, 2.0
# Seconds that a host is given to go off, also when we are interrupted.
GOING_OFF = 3.0


class Happened(Document):
    """A fault that was made on `hosts`: when it began and ended, in Unix seconds."""

    kind: str
    at: Seconds
    hosts: list[str]
    began: Seconds
    ended: Seconds


@dataclass(slots=True)
class Injection:
    """Makes faults on the hosts of an inventory. `up` brings a powered-off stack up again."""

    inventory: Inventory
    up: Callable[[], None]

    def make(self, fault: Fault, stop: Event) -> Happened:
        """Make `fault`, hold it for its time or until `stop`, undo it and say when it was.

        Undone it is in any case. Raises MachineError where it cannot be begun or undone.
        """
        way = self._begin(fault)
        began = time.time()
        try:
            stop.wait(fault.seconds)
        finally:
            self._end(way)
            if fault.kind.name.startswith("poweroff-"):
                ended = self._power_up(way[0].host)
            else:
                ended = time.time() if fault.seconds else began
        return Happened(
            kind=fault.kind.name,
            at=fault.at,
            hosts=[step.host for step in way],
            began=began,
            ended=ended,
        )

    def _begin(self, fault: Fault) -> Way:
        """Begin the first way that can be, and return it."""
        problem = MachineError(f"{fault}: there is no way to make it")
        for way in ways(fault, self.inventory):
            try:
                for step in way:
                    self._send(step)
                began = time.monotonic()
                for step in way:
                    self._run(step.host, step.begin)
                _require_guarded(fault, time.monotonic() - began)
            except BaseException as error:
                with contextlib.suppress(MachineError):
                    self._end(way)
                if not isinstance(error, MachineError):
                    raise
                problem = error
            else:
                return way
        raise problem

    def _end(self, way: Way) -> None:
        """Undo every step, the last first; raise MachineError for the first that resists."""
        problems = [p for step in reversed(way) if (p := self._undo(step.host, step.end))]
        if problems:
            raise MachineError(f"{problems[0]}; the host undoes it by itself within {GUARD:g} s")

    def _undo(self, host: str, script: str) -> MachineError | None:
        problem = None
        for turn in range(TRIES if script else 0):
            try:
                self._run(host, script)
            except MachineError as error:
                problem = error
                time.sleep(PAUSE if turn + 1 < TRIES else 0)
            else:
                return None
        return problem

    def _power_up(self, host: str) -> float:
        """Bring the stack up, and return when `host` first answered again."""
        time.sleep(GOING_OFF)
        if self._answers(host):
            raise MachineError(f"{host}: it did not go off, so nothing was tried")
        with ThreadPoolExecutor(1) as pool:
            rising = pool.submit(self.up)
            answered = None
            while answered is None and not rising.done():
                answered = self._answers(host)
            rising.result()
        return answered or time.time()

    def _answers(self, host: str) -> float | None:
        try:
            self._remote(host).run(["true"], timeout=5)
        except MachineError:
            time.sleep(0.5)
            return None
        return time.time()

    def _send(self, step: Step) -> None:
        """Put the tool that a step needs on its host."""
        if not step.tool:
            return
        tool = tools_folder() / step.tool
        if not tool.exists():
            raise MachineError(f"{tool}: is missing; run `make setup`")
        put = f"mkdir -p {TOOLS} && cat > {TOOLS}/{step.tool} && chmod -R a+rX,u+w,a+x {TOOLS}"
        self._remote(step.host).run(["sh", "-c", put], given=tool.read_bytes(), root=True)

    def _run(self, host: str, script: str) -> None:
        given = script.encode()
        self._remote(host).run(["sh", "-eus"], given=given, root=True, timeout=SCRIPT_SECONDS)

    def _remote(self, host: str) -> Remote:
        return next(r for r in Remote.of(self.inventory) if r.name == host)


def _require_guarded(fault: Fault, took: float) -> None:
    """Raise MachineError where the first host would undo a fault before its end."""
    if fault.seconds and took > SCRIPT_SECONDS:
        raise MachineError(
            f"{fault}: beginning it took {took:.0f} s, and a host undoes it by itself after"
            f" {fault.seconds + GUARD:g} s; try again when the hosts answer sooner"
        )
