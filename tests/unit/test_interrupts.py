"""Ctrl-C and SIGTERM: nothing goes on, neither here nor on the host."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from klokken.audit.question import READER
from klokken.errors import Exit
from klokken.paths import PROJECT
from tests.loadtests.certificate import certificate
from tests.loadtests.visit import plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.heavy

# A host on which a program runs that says nothing for a long time.
SSH = '#!/bin/sh\ncat > /dev/null\necho $$ >> "$HOST/ssh.pids"\nexec sleep 600\n'
# What a shell runs in the background ignores Ctrl-C unless it says otherwise, as `klokken` does.
LISTENS = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
"""
SEED = """
from klokken.seeding import fill
from tests.unit.test_faults import inventory
from tests.unit.test_seeding import PLAN
fill(inventory(), PLAN)
"""
AUDIT = """
import sys
from klokken.audit.question import ask
from tests.unit.test_plan import inventory
ask(inventory(), {"limit": 600, "pupils": [{"paths": ["a"]}]}, sys.stderr)
"""
# A command that takes long and must put something right at its end.
LONG = """
import sys, time
from klokken.cli import cli, main
@cli.command()
def wait():
    try:
        print("waiting", flush=True)
        time.sleep(600)
    finally:
        print("put right", flush=True)
sys.argv = ["klokken", "wait"]
main()
"""
# Longer than any of this takes, shorter than what would go on.
PATIENCE = 240


@contextmanager
def running(*argv: str, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, *argv], cwd=PROJECT, **more) as process:
        try:
            yield process
        finally:
            process.kill()


def pids(folder: Path, count: int) -> list[int]:
    """Return the processes of `ssh` when there are so many."""
    end = time.monotonic() + PATIENCE
    told = folder / "ssh.pids"
    while time.monotonic() < end:
        found = told.read_text().split() if told.exists() else []
        if len(found) >= count:
            return [int(pid) for pid in found]
        time.sleep(0.05)
    raise AssertionError("ssh was not started")


@pytest.mark.parametrize(("program", "processes"), [(SEED, 3), (AUDIT, 1)])
def test_ctrl_c_ends_every_ssh_at_once(tmp_path: Path, program: str, processes: int) -> None:
    (tmp_path / "ssh").write_text(SSH)
    (tmp_path / "ssh").chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    given = {"env": os.environ | {"PATH": path, "HOST": str(tmp_path)}, "stderr": subprocess.PIPE}
    with running("-c", LISTENS + program, **given) as process:
        started = pids(tmp_path, processes)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE)
    assert b"KeyboardInterrupt" in said
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_told_to_stop_puts_right_what_it_began(number: signal.Signals) -> None:
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running("-c", LONG, **given) as process:
        assert process.stdout
        assert process.stdout.readline() == b"waiting\n"
        process.send_signal(number)
        out, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == Exit.MACHINE
    assert (out, said.strip()) == (b"put right\n", b"klokken: stopped")


def seeding(origin: str, folder: Path) -> dict[str, Any]:
    plan = plan_of("morning", (origin, origin, origin))
    files = {"ca_file": folder / "ca", "password_file": folder / "pupils"}
    order = {"plan": plan.model_dump(mode="json"), "classes": [0, 1], "parallel": 1}
    return order | {"allowed": ["127.0.0.1"], **{name: str(path) for name, path in files.items()}}


def reading(origin: str, folder: Path) -> dict[str, Any]:
    host = origin.removeprefix("https://")
    pupils = [{"username": f"elev{n}", "host": host, "paths": ["a"]} for n in range(9)]
    files = {"ca": str(folder / "ca"), "password_file": str(folder / "pupils")}
    names = {"login": host, "realm": "skole", "client": "drive"}
    return {**names, **files, "threads": 1, "patience": 600, "limit": 600, "pupils": pupils}


@pytest.mark.parametrize(
    ("argv", "order"),
    [(["-m", "loadtests.seeding"], seeding), (["-I", str(READER)], reading)],
)
def test_what_runs_on_the_host_ends_when_nobody_listens_any_more(
    tmp_path: Path, argv: list[str], order: Any
) -> None:
    """Let it wait for a site that never answers, and be gone."""
    _, trusted = certificate(tmp_path)
    (tmp_path / "ca").write_bytes(trusted.read_bytes())
    (tmp_path / "pupils").write_text("only for tests\n")
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with socket.create_server(("127.0.0.1", 0)) as silent, running(*argv, **pipes) as process:
        silent.settimeout(PATIENCE)
        origin = f"https://127.0.0.1:{silent.getsockname()[1]}"
        assert process.stdin
        assert process.stdout
        with process.stdin as given:
            given.write(json.dumps(order(origin, tmp_path)).encode())
        with silent.accept()[0]:
            process.stdout.close()
            process.wait(PATIENCE)
