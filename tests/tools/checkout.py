"""A checkout on a machine whose programs are stand-ins: set-up builds and installs nothing real."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

from klokken.paths import PROJECT

# What set-up itself is written with.
REAL = (
    *(
        "bash",
        "cat",
        "cut",
        "dirname",
        "env",
        "find",
        "flock",
        "grep",
        "head",
        "id",
        "install",
        "mkdir",
    ),
    *(
        "mv",
        "python3",
        "rm",
        "sed",
        "sh",
        "sha256sum",
        "sleep",
        "sort",
        "tail",
        "touch",
        "wc",
        "xargs",
    ),
)
# Says that it is new enough; what it is told to build begins, and takes ten minutes.
SLOW_GO = """
[ "$1" = env ] && { echo go99.1; exit; }
until [ "$1" = -o ]; do shift; done
touch "$2"
sleep 600 &
echo $$ $! >> "$BEGUN"
wait
"""
PRESENT = ("chromium", "nft", "openssl", "ssh-keygen", "unshare")


class Checkout:
    """The files that set-up reads, a cache, and a PATH without the machine's own programs."""

    def __init__(self, folder: Path) -> None:
        """Lay everything out in `folder`, the Python environment made already."""
        self.folder = folder / "checkout"
        self.cache = folder / "cache" / "klokken"
        self.begun = folder / "begun"
        self.stand_ins = folder / "bin"
        shutil.copytree(PROJECT / "tools", self.folder / "tools")
        for name in ("requirements.lock", "pyproject.toml"):
            shutil.copy(PROJECT / name, self.folder)
        for path in (self.cache, self.stand_ins, self.folder / ".venv"):
            path.mkdir(parents=True)
        self.begun.touch()
        # As set-up itself reckons it.
        mark = """eval "$(grep '^lock=' tools/setup)"; echo "$lock" > .venv/.lock"""
        subprocess.run(["sh", "-c", mark], cwd=self.folder, check=True)
        for name in REAL:
            found = shutil.which(name, path=os.defpath)
            assert found, f"{name} is not on this machine"
            (self.stand_ins / name).symlink_to(found)
        for name in PRESENT:
            self.stand_in(name, "exit 0")
        self.stand_in("apt-get", "exit 1")
        self.stand_in("pulumi", "exit 1")
        self.stand_in("go", SLOW_GO)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that its programs are started with."""
        return {
            "BEGUN": str(self.begun),
            "HOME": str(self.folder.parent),
            "PATH": str(self.stand_ins),
            "XDG_CACHE_HOME": str(self.cache.parent),
        }

    def stand_in(self, name: str, script: str) -> None:
        """Put a shell script on PATH as `name`."""
        path = self.stand_ins / name
        path.unlink(missing_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start a program as a terminal would: in a group of its own, which heeds Ctrl-C."""
        # A test run in the background ignores it, and so would its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return subprocess.Popen(
            argv, cwd=self.folder, env=self.environment, start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        """Run a program to its end."""
        with self.start(*argv) as process:
            out, err = process.communicate(timeout=120)
        return subprocess.CompletedProcess(argv, process.returncode, out, err)

    def processes(self) -> list[int]:
        """Return the processes of builds that have begun."""
        return [int(word) for word in self.begun.read_text().split()]

    def half_made(self) -> list[Path]:
        """Return what of the cache is not whole."""
        return [path for path in self.cache.rglob("*") if "draft" in path.name]


def runs(pid: int) -> bool:
    """Say whether a process is more than an entry that its parent has yet to read."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def interrupt(process: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, which reaches the whole group in a terminal's foreground."""
    os.killpg(process.pid, signal.SIGINT)
