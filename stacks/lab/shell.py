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
        lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit {done.returncode}"]
        raise MachineError(f"{' '.join(argv[:4])}: {lines[-1]}")
    return done.stdout
