"""A probe on the load generator's host, to which orders are given one by one."""

from __future__ import annotations

import tempfile
import threading
from contextlib import contextmanager, suppress
from subprocess import PIPE
from typing import TYPE_CHECKING

from pydantic import ValidationError

from klokken.errors import MachineError
from klokken.loadgen import CA_FILE, CODE, PASSWORD_FILE, PYTHON
from loadtests.errand import Errand
from loadtests.probe import Order, Told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from subprocess import Popen
    from typing import IO

    from klokken.remote import Remote
    from klokken.results import StormPlan

ARGV = ["env", f"PYTHONPATH={CODE}", PYTHON, "-m", "loadtests.probe"]


@contextmanager
def probing(
    host: Remote, plan: StormPlan, allowed: list[str], limit: float
) -> Iterator[Callable[[Order], Told]]:
    """Give a function that has an order obeyed on `host`, for at most `limit` seconds in all.

    It raises MachineError where the probe ends, or says what it should not.
    """
    probe = Errand.model_validate(
        {"plan": plan, "allowed": allowed, "ca_file": CA_FILE, "password_file": PASSWORD_FILE}
    )
    command = [*host.command(), host.remote_command(ARGV, root=True)]
    with tempfile.TemporaryFile() as said, host.process(command, PIPE, said) as process:
        bound = threading.Timer(limit, process.kill)
        bound.start()
        try:
            _tell(process, probe.model_dump_json())

            def ask(order: Order) -> Told:
                _tell(process, order.model_dump_json())
                return _told(process, said, host.name)

            yield ask
        finally:
            bound.cancel()


def _tell(process: Popen[bytes], line: str) -> None:
    if process.stdin is None:
        raise AssertionError("the probe was started with a pipe")
    try:
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:  # what it said last tells why
        with suppress(BrokenPipeError):
            process.stdin.close()


def _told(process: Popen[bytes], said: IO[bytes], host: str) -> Told:
    line = process.stdout.readline() if process.stdout else b""
    if not line:
        process.wait()
        said.seek(0)
        words = said.read().decode("utf-8", "replace").strip().splitlines()
        raise MachineError(f"{host}: the probe ended: {words[-1] if words else 'out of time'}")
    try:
        return Told.model_validate_json(line)
    except ValidationError:
        raise MachineError(f"{host}: the probe says {line[:80]!r}") from None
