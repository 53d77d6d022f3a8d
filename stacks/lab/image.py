"""The base tree that every lab host is an overlay of: a minimal Debian 13."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from klokken import deadline
from klokken.errors import Exit, KlokkenError, MachineError
from klokken.paths import cache_folder
from stacks.lab.container import wait_until
from stacks.lab.disk import free_bytes, require_free
from stacks.lab.lock import lock
from stacks.lab.mounts import delete
from stacks.lab.shell import run
from stacks.lab.sources import SUITE, machine_sources
from stacks.provider import cancelled

if TYPE_CHECKING:
    from pathlib import Path

# What a host needs before Ansible can reach it, and what every role installs anyway.
PACKAGES = (
    "ca-certificates",
    "chrony",
    "dbus",
    "iproute2",
    "nftables",
    "openssh-server",
    "prometheus-node-exporter",
    "prometheus-process-exporter",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
)
UNITS = ("systemd-networkd", "ssh")
TIMEOUT = 900
# Who waits for another one's image waits longer than that one may take.
LOCK_PATIENCE = TIMEOUT + 60
# The tree, and the packages that it is unpacked from meanwhile.
NEEDED_BYTES = 10**9
# What debootstrap's log says of a full disk, unless that disk has no room for the log either.
NO_SPACE = "No space left on device"
FULL_BYTES = 5 * 10**7
STOP_TIMEOUT = 60


def image_key() -> str:
    """Return the name of the image that this version of the lab is made of."""
    recipe = " ".join((SUITE, *PACKAGES, *UNITS))
    return f"{SUITE}-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"


def image_path(key: str) -> Path:
    """Return where the image `key` is or will be."""
    return cache_folder() / "images" / key


def ensure_image(key: str) -> Path:
    """Return the image's tree, made first if it is not there yet (45 s, 400 MB)."""
    path = image_path(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    with lock(path.with_suffix(".lock"), LOCK_PATIENCE):
        if not path.exists():
            _make(path)
    return path


def _make(path: Path) -> None:
    """Build the tree beside its place and move it there when it is whole."""
    require_free(path.parent, NEEDED_BYTES, "the base tree of lab hosts")
    print(f"[image] building a Debian {SUITE} base tree, once", flush=True)  # noqa: T201 - Pulumi shows what a provider prints
    draft = path.with_suffix(".draft")
    delete(draft)
    try:
        _debootstrap(draft)
        for unit in UNITS:
            run("systemctl", "--root", str(draft), "enable", unit)
        for stale in [*draft.glob("etc/ssh/ssh_host_*"), draft / "etc/machine-id"]:
            stale.unlink(missing_ok=True)
        # A lab host may lose its last seconds with the machine; installing is twice as fast.
        (draft / "etc/dpkg/dpkg.cfg.d/lab").write_text("force-unsafe-io\n")
        draft.rename(path)
    except BaseException:
        with deadline.lifted():
            delete(draft)
        raise


def _debootstrap(tree: Path) -> None:
    """Run debootstrap, its log kept beside the tree while it runs."""
    log = tree.with_suffix(".log")
    # setpriv has it end with us, even when we are killed.
    argv = ["setpriv", "--pdeathsig", "TERM", "debootstrap", "--variant=minbase"]
    argv += [f"--include={','.join(PACKAGES)}", SUITE, str(tree), next(iter(machine_sources()))]
    with log.open("w") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, process_group=0
        )
    try:
        in_time = wait_until(lambda: process.poll() is not None or cancelled(), TIMEOUT)
    finally:
        ended = process.poll() is not None
        if not ended:
            _stop(process)
    if not in_time:
        raise MachineError(f"debootstrap: not done after {TIMEOUT} s; read {log}, then `up` again")
    if not ended:
        raise MachineError("debootstrap: stopped before it was done; `up` again begins anew")
    if process.returncode:
        raise MachineError(f"debootstrap: {_complaint(log)}")
    log.unlink()


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End debootstrap and what it has started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def main() -> int:
    """Make the image that this version of the lab is made of."""
    try:
        ensure_image(image_key())
    except KlokkenError as error:
        print(f"setup: {error}", file=sys.stderr)  # noqa: T201 - a program's own output
        return error.code
    except KeyboardInterrupt:
        return Exit.MACHINE
    return 0


def _complaint(log: Path) -> str:
    """Return the last error in debootstrap's log, or else its last line, and the mend."""
    lines = log.read_text(errors="replace").strip().splitlines() or ["no word"]
    if any(NO_SPACE in line for line in lines) or free_bytes(log.parent) < FULL_BYTES:
        return f"{log.parent}: no space left on its disk; free {NEEDED_BYTES / 1e9:.0f} GB there"
    said = next((line for line in reversed(lines) if line.startswith("E: ")), lines[-1])
    return f"{said}; is the package source there?"


if __name__ == "__main__":
    sys.exit(main())
