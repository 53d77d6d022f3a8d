"""A real Locust master and workers on loopback, as processes of their own, for tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import time as time_of_day
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from klokken.record import Record
from klokken.storm.attendance import attendance
from tests.loadtests.keycloak import PASSWORD
from tests.loadtests.visit import plan_of

if TYPE_CHECKING:
    from types import TracebackType

    from klokken.results import StormPlan
    from tests.loadtests.double import Double

LOCUSTFILE = Path(__file__).parents[2] / "loadtests" / "locustfile.py"


def plan_for(double: Double, journey: str = "login", **changes: Any) -> StormPlan:
    """Return a storm at `double`: of logins, thirty pupils in five seconds."""
    body: dict[str, Any] = {"run": "rehearsal", "workers": 2, "patience_seconds": 4.0}
    if journey == "login":
        body |= {"pupils": 360, "opens": time_of_day(8), "closes": time_of_day(8, 0, 5)}
    draft = plan_of(journey, double.school.origins, **(body | changes))
    offered = len(attendance(draft, 0, draft.people))
    return draft.model_copy(update={"offered": offered})


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Rehearsal:
    """The processes of one storm; use it as a context manager, which leaves none behind."""

    site: Double
    plan: StormPlan
    folder: Path
    port: int
    allowed: str = "127.0.0.1"
    options: tuple[str, ...] = ("--headless", "--only-summary", "--expect-workers-max-wait", "100")
    # A program and its options that starts the master, such as one that sets limits.
    through: tuple[str, ...] = ()
    workers: list[subprocess.Popen[str]] = field(default_factory=list)

    def __enter__(self) -> Self:
        """Start the master and the workers."""
        self.run_folder = self.folder / "run"
        (self.folder / "plan.json").write_text(self.plan.model_dump_json())
        (self.folder / "password").write_text(PASSWORD + "\n")
        self.master = self.start_master()
        self.workers = [
            self._start("--worker", "--master-host=127.0.0.1", f"--master-port={self.port}")
            for _ in range(self.plan.workers)
        ]
        return self

    def start_master(self) -> subprocess.Popen[str]:
        """Start a master, the first or another one of the same storm."""
        count = str(self.plan.workers)
        return self._start(
            "--master",
            "--master-bind-host=127.0.0.1",
            f"--master-bind-port={self.port}",
            f"--expect-workers={count}",
            f"--users={count}",
            f"--spawn-rate={count}",
            *self.options,
            through=self.through,
        )

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End whatever still runs."""
        for process in [self.master, *self.workers]:
            process.kill()
            process.communicate()

    def record(self, timeout: float = 150.0) -> Record:
        """Wait for the end of the storm and return its record."""
        try:
            output, _ = self.master.communicate(timeout=timeout)
        except subprocess.TimeoutExpired as expired:
            said = (expired.output or b"").decode() + self.progress()
            raise AssertionError(f"the storm did not end:\n{said}") from None
        assert self.master.returncode == 0, output
        return Record.read(self.run_folder / "record.json")

    def wait_for_progress(self, started: int, timeout: float = 120.0) -> None:
        """Wait until so many pupils have `started`, as the master's progress says."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.master.poll() is None:
            if any(json.loads(n)["started"] >= started for n in self.progress().splitlines()):
                return
            time.sleep(0.05)
        raise AssertionError("the storm did not begin")

    def wait_for_the_end(self, timeout: float = 120.0) -> None:
        """Wait for the record, as long as a master that is watched goes on after it."""
        end = time.monotonic() + timeout
        while time.monotonic() < end and self.master.poll() is None:
            if (self.run_folder / "record.json").exists():
                return
            time.sleep(0.05)
        raise AssertionError(f"the storm did not end:\n{self.progress()}")

    def progress(self) -> str:
        """Return the lines of progress so far."""
        path = self.run_folder / "progress.jsonl"
        return path.read_text() if path.exists() else ""

    def _start(self, *arguments: str, through: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "KLOKKEN_PLAN": str(self.folder / "plan.json"),
            "KLOKKEN_RUN_DIR": str(self.run_folder),
            "KLOKKEN_ALLOWED": self.allowed,
            "KLOKKEN_CA_FILE": str(self.site.ca_file),
            "KLOKKEN_PASSWORD_FILE": str(self.folder / "password"),
        }
        return subprocess.Popen(
            [*through, sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), *arguments],
            env=environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
