"""Programs of the machine, started with a time limit and reported in one line."""

from __future__ import annotations

import subprocess

from klokken import deadline
from klokken.errors import MachineError


def run(*argv: str, timeout: float = 30, stdin: str | None = None) -> str:
    """Return what the program prints; raise MachineError when it fails or exceeds `timeout` s.

    They are fewer where the operation under way has fewer left.
    """
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=deadline.bounded(timeout),
            check=False,
        )
    except FileNotFoundError:
        raise MachineError(f"{argv[0]}: not on this machine; run `make setup`") from None
    except subprocess.TimeoutExpired:
        deadline.check()
        raise MachineError(f"{argv[0]}: not done after {timeout:.0f} s") from None
    if done.returncode:
        complaint = _complaint(done.stderr or done.stdout) or f"exit {done.returncode}"
        raise MachineError(f"{' '.join(argv[:4])}: {complaint}")
    return done.stdout


def _complaint(said: str) -> str:
    """Return the line that says what went wrong.

    It is not always the last: nft shows the place in the rules below it, mount where else to look.
    """
    lines = said.splitlines()
    errors = [line for line in lines if "Error: " in line]
    plain = [line for line in lines if line.strip() and not line[0].isspace()]
    return next(iter([*errors, *reversed(plain)]), "")
