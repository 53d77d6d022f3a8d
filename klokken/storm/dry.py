"""A dry run: a storm rung on this machine by the real load generator, at no site at all."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO, Unpack

from klokken import files, report, telemetry, writes
from klokken.errors import MachineError
from klokken.paths import PROJECT, RESULTS
from klokken.record import Record
from klokken.storm import fleet, outcome
from klokken.storm.folder import PLAN, PROGRESS, RECORD
from klokken.storm.following import STARTING
from klokken.storm.plan import plan_dry_run
from klokken.storm.progress import ProgressLine
from klokken.storm.run import new_name
from klokken.storm.timing import lasting
from klokken.storm.units import ENDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klokken.profile import Profile
    from klokken.results import Results, StormPlan
    from klokken.storm.run import Choices

# Seconds to an answer that a person waits for without noticing.
ANSWER_SECONDS = 0.05
# Seconds between two looks at the progress, and for the processes to end when they are told to.
_LOOK = 0.2
_END = 10.0
_LAST_LINES = 12


def plan(
    profile: Profile,
    *,
    workers: int | None,
    answer_seconds: float | None,
    **chosen: Unpack[Choices],
) -> StormPlan:
    """Return the dry run of `profile`, with a worker a core where no number is given.

    Raises InputError where this machine cannot give the rate.
    """
    cores = os.cpu_count() or 1
    planned = plan_dry_run(
        profile,
        run=new_name(profile),
        workers=workers or cores,
        answer_seconds=ANSWER_SECONDS if answer_seconds is None else answer_seconds,
        **chosen,
    )
    fleet.of_dry_run(planned).check(min(planned.workers, cores))
    return planned


def storm(planned: StormPlan, out: TextIO | None = None) -> tuple[Results, Path]:
    """Ring the storm here; return its results and the folder that now holds the whole of them."""
    if importlib.util.find_spec("locust") is None:
        raise MachineError("a dry run needs Locust; install klokken with its extra `loadtests`")
    folder = RESULTS / planned.run
    with tempfile.TemporaryDirectory(prefix="klokken-") as name:
        record = rung(planned, Path(name), out or sys.stderr)
        results = outcome.results(planned, record, outcome.Surroundings(telemetry.own_machine()))
        outcome.write(results, record, folder)
        if planned.profile.exam:
            shutil.copyfile(Path(name) / "run" / writes.NAME, folder / writes.NAME)
        report.write(results, folder)
    return results, folder


def rung(planned: StormPlan, folder: Path, out: TextIO, seconds: float | None = None) -> Record:
    """Run the processes of the storm with their files in `folder`, and return its record.

    Where `seconds` are given, the storm is stopped when it has gone on for so long.
    """
    files.write(folder / PLAN, planned.model_dump_json())
    files.write(folder / "password", "of nobody\n")
    with _processes(planned, folder) as master:
        _follow(planned, folder, master, out, seconds)
    return Record.read(folder / "run" / RECORD)


@contextlib.contextmanager
def _processes(planned: StormPlan, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a master and its workers, and yield the master; leave none of them behind."""
    count, port = str(planned.workers), _free_port()
    with contextlib.ExitStack() as stack:
        master = ["--master", "--master-bind-host=127.0.0.1", f"--master-bind-port={port}"]
        master += [f"--expect-workers={count}", f"--users={count}", f"--spawn-rate={count}"]
        master += ["--headless", "--only-summary", f"--expect-workers-max-wait={STARTING:.0f}"]
        worker = ["--worker", "--master-host=127.0.0.1", f"--master-port={port}"]
        log = stack.enter_context((folder / "log").open("ab"))
        first = stack.enter_context(_process(master, folder, log))
        for _ in range(planned.workers):
            stack.enter_context(_process(worker, folder, log))
        yield first


@contextlib.contextmanager
def _process(
    arguments: list[str], folder: Path, log: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "KLOKKEN_PLAN": str(folder / PLAN),
        "KLOKKEN_RUN_DIR": str(folder / "run"),
        "KLOKKEN_PASSWORD_FILE": str(folder / "password"),
    }
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "locust"),
            *("-f", str(PROJECT / "loadtests" / "locustfile.py"), *arguments),
        ],
        env={**os.environ, **environment},
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        # Ctrl-C is for us, who then end the processes one by one.
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _follow(
    planned: StormPlan,
    folder: Path,
    master: subprocess.Popen[bytes],
    out: TextIO,
    seconds: float | None,
) -> None:
    """Show the storm's progress until its last line; raise MachineError where none comes."""
    deadline = time.monotonic() + STARTING + lasting(planned) + ENDING
    progress, read, done = ProgressLine(planned, out), 0, False
    path = folder / "run" / PROGRESS
    while not done and time.monotonic() < deadline:
        over = master.poll() is not None
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        *lines, _ = text[read:].split("\n")
        read += sum(len(line) + 1 for line in lines)
        for line in lines:
            done = progress.show(line)
        if seconds is not None and progress.second >= seconds:
            master.terminate()
        if over and not done:
            break
        time.sleep(0 if done else _LOOK)
    if not done:
        progress.end()
        said = (folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        told = "\n".join(said[-_LAST_LINES:])
        raise MachineError(f"the dry run ended without a result; its processes said:\n{told}")


def _free_port() -> int:
    """Return a port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
