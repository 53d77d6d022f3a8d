"""A lab host: a real Debian system under systemd-nspawn, an overlay of the base tree."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from klokken.document import Document
from klokken.errors import MachineError
from stacks.lab.cgroup import Cgroup
from stacks.lab.folder import LabFolder
from stacks.lab.image import image_path
from stacks.lab.network import LabNetwork
from stacks.lab.shell import run
from stacks.lab.tree import furnish

if TYPE_CHECKING:
    from collections.abc import Callable

BOOT_TIMEOUT = 120
STOP_TIMEOUT = 30
# systemd's own signals to its first process: an orderly power-off (systemd(1), "SIGNALS").
POWER_OFF = signal.SIGRTMIN + 4
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class HostSpec(Document):
    """What a lab host shall be."""

    stack: str
    name: str
    address: str
    network: str
    image: str
    weight: int = 1


class LabHost:
    """One host: made, booted, stopped and removed."""

    def __init__(self, spec: HostSpec) -> None:
        """Name the host; nothing is made."""
        self.spec = spec
        self.lab = LabFolder(spec.stack)
        self.folder = self.lab.hosts / spec.name
        self.root = self.folder / "root"
        self.cgroup = Cgroup(spec.stack, spec.name)
        self.machine = f"{spec.stack}-{spec.name}"
        self._record = self.folder / "host.json"
        self._process = self.folder / "process.json"

    def ensure(self) -> str:
        """Make the host if it is not there, boot it if it is down; return its instance id.

        The id is that of the host's data: a host booted again keeps it, a new one gets its own.
        """
        with self.lab.lock(self.spec.name):
            instance = self._instance()
            if not self.running():
                self._clear_remains()
                self._mount()
                if instance is None:
                    instance = self._furnish()
                self._boot()
            self.cgroup.weigh(self.spec.weight)
        self.lab.collect_known_hosts()
        self._await_ready()
        return instance or ""

    def running(self) -> bool:
        """Say whether the container is alive."""
        return self._supervised() and self._first_process() is not None

    def stop(self) -> None:
        """Power the host off in good order; kill what will not go."""
        first = self._first_process() if self.running() else None
        if first is not None:
            with suppress(ProcessLookupError):
                os.kill(first, POWER_OFF)
            _wait_until(lambda: not self.cgroup.processes(), STOP_TIMEOUT)
        self._clear_remains()

    def remove(self) -> None:
        """Stop the host and delete its data."""
        with self.lab.lock(self.spec.name):
            self.stop()
            shutil.rmtree(self.folder, ignore_errors=True)
        (self.lab.path / f".{self.spec.name}.lock").unlink(missing_ok=True)
        if self.lab.path.exists() and self.lab.key.exists():
            self.lab.collect_known_hosts()

    def _instance(self) -> str | None:
        """Return the id of the data that is there, or None where there is none or half."""
        try:
            record = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return None
        return str(record["instance"])

    def _mount(self) -> None:
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        if not self.root.is_mount():
            lower = image_path(self.spec.image)
            options = f"lowerdir={lower},upperdir={self.folder}/upper,workdir={self.folder}/work"
            run("mount", "-t", "overlay", self.machine, "-o", options, str(self.root))

    def _furnish(self) -> str:
        """Give a new host its name, address and keys; write the record last, as the seal."""
        furnish(self.root, self.spec, self.lab)
        host_key = (self.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().split()[:2]
        line = " ".join([f"{self.spec.name},{self.spec.address}", *host_key])
        (self.folder / "known_host").write_text(line + "\n")
        instance = uuid.uuid4().hex
        self._record.write_text(json.dumps({"instance": instance, **self.spec.model_dump()}))
        return instance

    def _boot(self) -> None:
        """Start the container in a session and control groups of its own."""
        self.cgroup.make()
        enter = 'for group in "$@"; do [ "$group" = -- ] && break; shift; '
        enter += 'echo $$ > "$group/cgroup.procs"; done; shift; exec "$@"'
        groups = [str(folder) for folder in self.cgroup.folders()]
        argv = ["sh", "-c", enter, "sh", *groups, "--", *self._nspawn()]
        with (self.folder / "console.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={"PATH": os.environ["PATH"], "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
            )
        record = {
            "pid": process.pid,
            "started": _started(process.pid),
            "boot_id": BOOT_ID.read_text(),
        }
        self._process.write_text(json.dumps(record))

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
            f"--machine={self.machine}",
            f"--network-bridge={LabNetwork(self.spec.stack, self.spec.network).bridge}",
            "--resolv-conf=off",
            "--timezone=off",
            "--link-journal=no",
            "--console=pipe",
        ]

    def _await_ready(self) -> None:
        """Wait until the host's SSH answers."""
        if not _wait_until(self._answers, BOOT_TIMEOUT):
            last = _last_line(self.folder / "console.log")
            raise MachineError(f"{self.spec.name}: not up after {BOOT_TIMEOUT} s ({last})")

    def _answers(self) -> bool:
        if not self._supervised():
            last = _last_line(self.folder / "console.log")
            raise MachineError(f"{self.spec.name}: the container ended while booting ({last})")
        try:
            with socket.create_connection((self.spec.address, 22), timeout=1) as connection:
                connection.settimeout(2)
                return connection.recv(4) == b"SSH-"
        except OSError:
            return False

    def _supervised(self) -> bool:
        """Say whether the recorded nspawn process still runs, and is not another by its number."""
        try:
            record = json.loads(self._process.read_text())
        except (OSError, ValueError):
            return False
        same_boot = record["boot_id"] == BOOT_ID.read_text()
        return same_boot and _started(record["pid"]) == record["started"]

    def _first_process(self) -> int | None:
        """Return the id of the container's first process: the only child of nspawn."""
        try:
            pid = json.loads(self._process.read_text())["pid"]
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except (OSError, ValueError):
            return None
        return int(children[0]) if children else None

    def _clear_remains(self) -> None:
        """Leave no process, mount, interface or group of the host."""
        self.cgroup.kill()
        _wait_until(lambda: not self.cgroup.processes(), STOP_TIMEOUT)
        while self.root.is_mount():
            run("umount", str(self.root))
        self.cgroup.remove()
        self._process.unlink(missing_ok=True)


def _started(pid: int) -> str | None:
    """Return when a process began, in clock ticks since boot; None where there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


def _wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Return True as soon as `condition()` holds, False after `timeout` seconds."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def _last_line(path: Path) -> str:
    lines = path.read_text(errors="replace").split("\n") if path.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "no output")
