"""Programs that do the work of a command, shown as they run and ended as they should be."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klokken import workspace
from klokken.errors import MachineError
from klokken.paths import PROJECT

if TYPE_CHECKING:
    from collections.abc import Iterator

# Seconds for steps to end by themselves after Ctrl-C.
STOPPING = 30


def run(argv: list[str], cancel: Path | None = None) -> int:
    """Run a program in the project's environment, its output shown as it comes."""
    extra = {"KLOKKEN_CANCEL": str(cancel)} if cancel else {}
    environment = os.environ | workspace.environment() | extra
    # Should we be killed, the program is told to end too.
    bound = ["setpriv", "--pdeathsig", "TERM", *argv]
    if not shutil.which(argv[0], path=environment["PATH"]):
        raise MachineError(f"{argv[0]}: not on this machine; run `make setup`")
    # A group of its own: Ctrl-C reaches us alone, and we end the program in good order.
    process = subprocess.Popen(bound, cwd=PROJECT, env=environment, process_group=0)
    try:
        return process.wait()
    except KeyboardInterrupt:
        click.echo("klokken: stopping", err=True)
        if cancel:
            # What Pulumi has under way sees this and ends in good order, and so does Pulumi.
            cancel.touch()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOPPING)
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes], patience: float = 120) -> None:
    """Ask a program to end, and insist when it does not."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return


@contextmanager
def cancel_file() -> Iterator[Path]:
    """Name a file whose appearance ends a running Ansible."""
    with tempfile.TemporaryDirectory(prefix="klokken-") as folder:
        yield Path(folder) / "cancel"
