"""The faults of an exam, made one after the other in a thread while the storm is rung."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from klokken.errors import InputError, KlokkenError, MachineError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from klokken.faults.injection import Happened, Injection
    from klokken.faults.kinds import Fault

# Seconds after which a person is told why the end takes so long.
PATIENCE = 1.0


class Schedule:
    """Makes `faults` at their seconds after the storm opened, while the context lasts.

    The end of the context, also by Ctrl-C, undoes the fault that lasts and waits until it is.
    """

    def __init__(self, faults: Sequence[Fault], injection: Injection) -> None:
        """Take the faults in the order of their time."""
        self.happened: list[Happened] = []
        self.opened_at: float | None = None
        self._faults, self._injection = faults, injection
        self._error: Exception | None = None
        self._opened, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="faults")

    def opened(self, at: float) -> None:
        """Say when the storm opened, in Unix seconds."""
        self.opened_at = at
        self._opened.set()

    def __enter__(self) -> Self:
        """Wait for the opening in the background."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Undo what is under way, and come back when that is done."""
        self._stop.set()
        self._opened.set()
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            sys.stderr.write("undoing the fault that lasts; this ends by itself\n")
        self._thread.join()

    def require_all(self) -> None:
        """Raise the error of a fault that failed, or InputError for one that never began."""
        if self._error:
            raise self._error
        for fault in self._faults[len(self.happened) :]:
            raise InputError("--fault", str(fault), "the exam was over", "choose an earlier second")

    def _run(self) -> None:
        try:
            self._opened.wait()
            for fault in self._faults:
                wait = (self.opened_at or 0.0) + fault.at - time.time()
                if self._stop.wait(max(0.0, wait)):
                    return
                self.happened.append(self._injection.make(fault, self._stop))
        except KlokkenError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - told where the exam is, not in this thread
            self._error = MachineError(f"a fault could not be made: {error!r}")
