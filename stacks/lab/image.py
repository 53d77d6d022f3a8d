"""The base tree that every lab host is an overlay of: a minimal Debian 13."""

from __future__ import annotations

import fcntl
import hashlib
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from klokken.errors import Exit, KlokkenError, MachineError
from klokken.paths import cache_folder
from stacks.lab.container import wait_until
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
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make(path)
    return path


def _make(path: Path) -> None:
    """Build the tree beside its place and move it there when it is whole."""
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
        wait_until(lambda: process.poll() is not None or cancelled(), TIMEOUT)
    finally:
        ended = process.poll() is not None
        if not ended:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)
    if not ended:
        raise MachineError("debootstrap: stopped before it was done; `up` again begins anew")
    if process.returncode:
        raise MachineError(f"debootstrap: {_complaint(log)}; is the package source there?")
    log.unlink()


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
    """Return the last error in debootstrap's log, or else its last line."""
    lines = log.read_text(errors="replace").strip().splitlines() or ["no word"]
    return next((line for line in reversed(lines) if line.startswith("E: ")), lines[-1])


if __name__ == "__main__":
    sys.exit(main())
