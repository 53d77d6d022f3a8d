"""The first contact with hosts that a cloud has just made: their SSH keys, taken once."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, NoReturn

from klokken import files
from klokken.errors import MachineError
from klokken.servers.listing import known_hosts_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Seconds from the moment that a cloud says its hosts run until SSH must answer on all of them.
PATIENCE = 300
PAUSE = 5
# ... and for one answer, whatever else its own limit does not count.
ASKING = 30
TOGETHER = 128
# What a host at an address shows: a line of a known_hosts file, empty where nothing answers.
Asked = Callable[[str], str]


def meet(stack: str, addresses: Mapping[str, str], asked: Asked | None = None) -> None:
    """Wait for hosts by name, side by side, and write their keys down in place of older ones.

    Raises MachineError that names every host which did not answer; the others' keys are kept.
    """
    keys = _all(addresses, asked or partial(_scanned, time.monotonic() + PATIENCE))
    path = known_hosts_path(stack)
    met = {addresses[name] for name, key in keys.items() if key}
    kept = [line for line in _lines(path) if line.partition(" ")[0] not in met]
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, "".join(f"{line}\n" for line in [*kept, *filter(None, keys.values())]))
    if silent := [f"{name} at {addresses[name]}" for name, key in keys.items() if not key]:
        raise MachineError(
            f"{', '.join(silent)}: SSH does not answer after {PATIENCE} s; look at the cloud's"
            " console whether it runs and whether `management` holds this machine's address, then"
            " `up` again"
        )


def look(
    stack: str, addresses: Mapping[str, str], asked: Asked | None = None
) -> tuple[list[str], list[str]]:
    """Return the names of hosts whose key is not written down, and of those that show another.

    Who does not answer is neither: it may be about to start, and SSH itself refuses a wrong key.
    """
    shown = _all(addresses, asked or partial(_scanned, time.monotonic()))
    known = {line.partition(" ")[0]: line for line in _lines(known_hosts_path(stack))}
    unmet = [name for name, address in addresses.items() if address not in known]
    strange = [
        name
        for name, line in shown.items()
        if line and name not in unmet and line != known[addresses[name]]
    ]
    return unmet, strange


def refuse(stack: str, strange: Mapping[str, str]) -> NoReturn:
    """Raise MachineError for hosts by name that are not the machines they were."""
    path = known_hosts_path(stack)
    named = ", ".join(f"{name} at {address}" for name, address in strange.items())
    forgetting = " && ".join(f"ssh-keygen -R {each} -f {path}" for each in strange.values())
    raise MachineError(
        f"{named}: shows another SSH host key than the one that is known; find out why, and if it"
        f" was installed anew, run `{forgetting}` and `up` again"
    )


def forget(stack: str) -> None:
    """Remove all keys, and their folder when nothing else is in it."""
    path = known_hosts_path(stack)
    path.unlink(missing_ok=True)
    if path.parent.exists() and not any(path.parent.iterdir()):
        path.parent.rmdir()


def _all(addresses: Mapping[str, str], ask: Asked) -> dict[str, str]:
    """Return what each host shows, asked side by side."""
    with ThreadPoolExecutor(min(len(addresses), TOGETHER)) as pool:
        return dict(zip(addresses, pool.map(ask, addresses.values()), strict=True))


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _scanned(end: float, address: str) -> str:
    """Return the key that a host shows, as a line of known hosts; ask until `end` at most."""
    argv = ["ssh-keyscan", "-T", str(PAUSE), "-t", "ed25519", address]
    while True:
        try:
            shown = _printed(argv)
        except FileNotFoundError:
            raise MachineError("ssh-keyscan: not here; install openssh-client") from None
        lines = [line for line in shown.splitlines() if line and not line.startswith("#")]
        if lines or time.monotonic() > end:
            return lines[0] if lines else ""
        time.sleep(PAUSE)


def _printed(argv: list[str]) -> str:
    """Return what ssh-keyscan prints; nothing where a host keeps it waiting."""
    with suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            argv, capture_output=True, text=True, timeout=ASKING, check=False
        ).stdout
    return ""
