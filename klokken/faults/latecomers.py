"""Pupils who come while faults are made, so that it is known when logins were back."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from klokken.errors import KlokkenError, MachineError
from klokken.loadgen import CA_FILE, CODE, PASSWORD_FILE, PYTHON
from klokken.logins import Login
from klokken.remote import Remote
from klokken.storm.driver import edges
from klokken.storm.timing import lasting
from klokken.topology import Tier

if TYPE_CHECKING:
    from types import TracebackType

    from klokken.inventory import Inventory
    from klokken.results import StormPlan

# Seconds from one login to the next: a recovery is known to that.
EVERY = 2.0
# Seconds for what is under way at the end, on the host and here.
ENDING = 70.0
ARGV = ["env", f"PYTHONPATH={CODE}", PYTHON, "-m", "loadtests.latecomers"]


class Latecomers:
    """Signs pupils of `plan` in at the site while the context lasts, once it is told to `begin`.

    They are no part of the exam: `logins` holds what became of them, and no count of the storm.
    """

    def __init__(self, inventory: Inventory, plan: StormPlan) -> None:
        """Have them come from the first load generator."""
        self.logins: list[Login] = []
        self._host = Remote.of(inventory, Tier.LOADGEN)[0]
        self._order = _order(inventory, plan)
        self._error: Exception | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="latecomers", daemon=True)

    def begin(self) -> None:
        """Let them come."""
        self._thread.start()

    def __enter__(self) -> Self:
        """Wait to be told."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let nobody come any more. After an error nobody waits for the last of them."""
        self._stop.set()
        if self._thread.ident is not None and error is None:
            self._thread.join(ENDING)

    def require(self) -> None:
        """Raise MachineError where they could not come to the end."""
        if self._error:
            raise self._error

    def _run(self) -> None:
        given = json.dumps(self._order).encode()
        timeout = self._order["seconds"] + ENDING
        try:
            for line in self._host.lines(ARGV, given=given, timeout=timeout, root=True):
                self.logins.append(self._read(line))
                if self._stop.is_set():
                    return
        except KlokkenError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - told where the exam is, not in this thread
            self._error = MachineError(f"{self._host.name}: nobody could log in late: {error!r}")

    def _read(self, line: str) -> Login:
        try:
            return Login.model_validate_json(line)
        except ValidationError:
            problem = f"the latecomers say {line.strip()[:80]!r}"
            raise MachineError(f"{self._host.name}: {problem}") from None


def _order(inventory: Inventory, plan: StormPlan) -> dict[str, Any]:
    """Return what `loadtests.latecomers` is told."""
    return {
        "plan": plan.model_dump(mode="json"),
        "every": EVERY,
        "seconds": lasting(plan),
        "allowed": edges(inventory),
        "ca_file": CA_FILE,
        "password_file": PASSWORD_FILE,
    }
