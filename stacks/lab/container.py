"""The running side of a lab host: systemd-nspawn, its control groups, its end."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from klokken import deadline
from stacks.lab.mounts import detach, unmount

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stacks.lab.cgroup import Cgroup

STOP_TIMEOUT = 15
LAST_LINES = 4
# systemd's own signal to its first process for an orderly power-off (systemd(1), "SIGNALS").
POWER_OFF = signal.SIGRTMIN + 4
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
# Enters the groups named before `--`, then becomes the program after it.
ENTER_GROUPS = """
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done
shift
exec "$@"
"""


class Container:
    """One host's container; what it left in `folder` tells a later process of it."""

    def __init__(
        self, folder: Path, cgroup: Cgroup, machine: str, bridge: str, binds: Mapping[Path, str]
    ) -> None:
        """Describe a container with its tree mounted at `folder`/root; nothing is started.

        `binds` are folders of this machine, and where the host sees them.
        """
        self._folder = folder
        self.root = folder / "root"
        self._cgroup = cgroup
        self._machine = machine
        self._bridge = bridge
        self._binds = binds
        self._log = folder / "console.log"
        self._record = folder / "process.json"

    def start(self) -> None:
        """Boot, in a session and control groups of its own."""
        self._cgroup.make()
        groups = [str(folder) for folder in self._cgroup.folders()]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                ["sh", "-c", ENTER_GROUPS, "sh", *groups, "--", *self._nspawn()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                # Debian 13's systemd refuses the v1 tree that an older machine would show it.
                env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        facts = {"pid": process.pid, "began": began(process.pid), "boot": BOOT_ID.read_text()}
        self._record.write_text(json.dumps(facts))

    def supervised(self) -> bool:
        """Say whether the recorded nspawn still runs, and is not another process by its number."""
        try:
            facts = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return False
        return bool(
            facts.get("boot") == BOOT_ID.read_text() and facts["began"] == began(facts["pid"])
        )

    def running(self) -> bool:
        """Say whether the container is alive."""
        return self.supervised() and self._first_process() is not None

    def stop(self) -> None:
        """Power off for good, kill what will not go; no process, mount or group is left."""
        first = self._first_process() if self.supervised() else None
        if first is not None:
            with suppress(ProcessLookupError):
                os.kill(first, POWER_OFF)
            wait_until(lambda: not self._cgroup.processes(), STOP_TIMEOUT)
        self._remove(detach)

    def clear(self) -> None:
        """Remove what a container that ended badly has left, so that it can be started again."""
        self._remove(unmount)

    def _remove(self, leave: Callable[[Path], None]) -> None:
        self._cgroup.kill()
        leave(self._folder)
        self._cgroup.remove()
        self._record.unlink(missing_ok=True)

    def last_words(self) -> str:
        """Return the last lines that the container printed, as one."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        said = [line.strip() for line in lines if line.strip()]
        return " / ".join(said[-LAST_LINES:]) or "no output"

    def _nspawn(self) -> list[str]:
        return [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            # The host is found by its process, so it need not be registered anywhere; its
            # groups are its own, so no unit need be made for it.
            "--register=no",
            "--keep-unit",
            f"--directory={self.root}",
            # Another name each time, and so another interface: that of a container which died
            # goes in the kernel's own time.
            f"--machine={self._machine}-{secrets.token_hex(2)}",
            f"--network-bridge={self._bridge}",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=pipe",
            *(f"--bind={here}:{there}" for here, there in self._binds.items()),
        ]

    def _first_process(self) -> int | None:
        """Return the id of the container's first process: the only child of nspawn."""
        try:
            pid = json.loads(self._record.read_text())["pid"]
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (OSError, ValueError):
            return None
        return int(children[0]) if children else None


def began(pid: int) -> str | None:
    """Return when a process began, in clock ticks since boot (proc(5)); None for no process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else fields[19]


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Return True as soon as `condition()` holds, False after `timeout` seconds.

    Raises OverdueError where the operation under way has no time left before that.
    """
    end = time.monotonic() + deadline.bounded(timeout)
    while not condition():
        if time.monotonic() > end:
            deadline.check()
            return False
        time.sleep(0.1)
    return True
