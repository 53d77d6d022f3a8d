"""A dry run: a storm rung on this machine by the real load generator, at no site at all."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import IO, TYPE_CHECKING, TextIO, Unpack

from klokken import files, telemetry, writes
from klokken.errors import MachineError
from klokken.paths import PROJECT, RESULTS
from klokken.record import Record
from klokken.storm import fleet, remains
from klokken.storm.folder import JOURNAL, PLAN, PROGRESS, RECORD
from klokken.storm.following import STARTING
from klokken.storm.outcome import Surroundings
from klokken.storm.plan import plan_dry_run
from klokken.storm.progress import ProgressLine
from klokken.storm.run import new_name
from klokken.storm.timing import lasting, share_of
from klokken.storm.units import ENDING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from klokken.profile import Profile
    from klokken.results import Results, StormPlan
    from klokken.storm.plan import Choices

# Seconds to an answer that a person waits for without noticing.
ANSWER_SECONDS = 0.05
# Seconds between two looks at the progress, and for the processes to end when they are told to.
_LOOK = 0.2
_END = 10.0
_LAST_LINES = 12
# Files that only the processes need.
_PASSWORD, _LOG = "password", "log"


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
    folder, draft = RESULTS / planned.run, RESULTS / f".{planned.run}"
    around = Surroundings(telemetry.own_machine())
    try:
        remains.begin(draft, planned, around)
        record = rung(planned, draft, out or sys.stderr)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    draft.rename(folder)
    return remains.conclude(planned, record, around, folder), folder


def rung(planned: StormPlan, folder: Path, out: TextIO, seconds: float | None = None) -> Record:
    """Run the processes of the storm with their files in `folder`, and return its record.

    Where `seconds` are given, the storm is stopped when it has gone on for so long. A storm whose
    master is lost has a record of what was heard until then, which says so.
    """
    files.write(folder / PLAN, planned.model_dump_json())
    files.write(folder / _PASSWORD, "of nobody\n")
    progress = ProgressLine(planned, out)
    try:
        with _processes(planned, folder) as master:
            _follow(folder, master, progress, seconds)
        record = Record.read(folder / RECORD)
    except MachineError as loss:
        last = str(loss).splitlines()[-1]
        far = share_of(planned, progress.second)
        salvaged = remains.salvaged(folder, f"the master was lost after {far}: {last}")
        if salvaged is None:
            raise
        record = salvaged
    if (folder / RECORD).exists():
        (folder / JOURNAL).unlink(missing_ok=True)
    told = [] if planned.profile.exam else [writes.NAME]
    for name in (_PASSWORD, _LOG, PROGRESS, *told):
        (folder / name).unlink(missing_ok=True)
    return record


@contextlib.contextmanager
def _processes(planned: StormPlan, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a master and its workers, and yield the master; leave none of them behind."""
    count, port = str(planned.workers), _free_port()
    with contextlib.ExitStack() as stack:
        master = ["--master", "--master-bind-host=127.0.0.1", f"--master-bind-port={port}"]
        master += [f"--expect-workers={count}", f"--users={count}", f"--spawn-rate={count}"]
        master += ["--headless", "--only-summary", f"--expect-workers-max-wait={STARTING:.0f}"]
        worker = ["--worker", "--master-host=127.0.0.1", f"--master-port={port}"]
        log = stack.enter_context((folder / _LOG).open("ab"))
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
        "KLOKKEN_RUN_DIR": str(folder),
        "KLOKKEN_PASSWORD_FILE": str(folder / _PASSWORD),
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
    folder: Path,
    master: subprocess.Popen[bytes],
    progress: ProgressLine,
    seconds: float | None,
) -> None:
    """Show the storm's progress until its last line; raise MachineError where none comes."""
    deadline = time.monotonic() + STARTING + lasting(progress.plan) + ENDING
    read, done = 0, False
    path = folder / PROGRESS
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
        said = (folder / _LOG).read_text(encoding="utf-8", errors="replace").splitlines()
        told = "\n".join(said[-_LAST_LINES:])
        raise MachineError(f"the dry run ended without a result; its processes said:\n{told}")


def _free_port() -> int:
    """Return a port of the loopback address that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
