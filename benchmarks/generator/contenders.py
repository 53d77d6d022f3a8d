"""The generators that are compared: how each is started, and what it says of itself."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.generator.outcome import Lateness, Own
from klokken import histogram
from klokken.errors import MachineError
from klokken.paths import PROJECT, cache_folder
from klokken.record import ARRIVAL, LATENESS, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from benchmarks.generator.case import Case

_HERE = Path(__file__).parent
K6_PATH = cache_folder() / "tools" / "bin" / "k6"
KLOKKEN, FAST, PLAIN = "Klokken", "Locust FastHttpUser", "Locust HttpUser"
K6, K6_EXPRESSION = "k6", "k6, form by expression"
NAMES = (KLOKKEN, K6, K6_EXPRESSION, FAST, PLAIN)


@dataclass(frozen=True, slots=True)
class Run:
    """A generator at work: its processes, and the folder that it writes to."""

    name: str
    case: Case
    folder: Path
    processes: list[subprocess.Popen[bytes]]

    @property
    def pids(self) -> list[int]:
        """The processes that were started; those below them are theirs to know."""
        return [process.pid for process in self.processes]

    def alive(self) -> bool:
        """Whether all its processes run."""
        return all(process.poll() is None for process in self.processes)

    def own(self, timeout: float = 60.0) -> Own:
        """Wait for the end and return what the generator says; raise MachineError."""
        try:
            self.processes[0].wait(timeout)
            return READERS[self.name](self.folder)
        except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as error:
            raise MachineError(f"benchmark: {self.name} did not end well: {self.said()}") from error

    def said(self) -> str:
        """Return the last line that it wrote."""
        lines = (self.folder / "said").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "it says nothing"


@contextmanager
def running(name: str, case: Case, folder: Path) -> Iterator[Run]:
    """Run a generator through `case`; none of its processes is left behind."""
    folder.mkdir()
    (folder / "case.json").write_text(case.model_dump_json())
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(PROJECT), os.environ.get("PYTHONPATH", "")]),
        "BENCHMARK_CASE": str(folder / "case.json"),
        "BENCHMARK_SUMMARY": str(folder / "summary.json"),
        "BENCHMARK_FORM": "expression" if name == K6_EXPRESSION else "",
        "SSL_CERT_FILE": str(case.login.ca_file),
    }
    if name == KLOKKEN:
        commands = _engine(case, folder, environment)
    elif name in {K6, K6_EXPRESSION}:
        commands = [
            [str(K6_PATH), "run", "--quiet", "--no-usage-report", str(_HERE / "journey.js")]
        ]
    else:
        commands = [_stock(name, case, folder)]
        # As its documentation has it: FastHttpUser brings authorities of its own.
        del environment["SSL_CERT_FILE"]
    processes: list[subprocess.Popen[bytes]] = []
    with (folder / "said").open("wb") as said:
        try:
            # Taken one by one: those before one that does not start are ended as well.
            processes.extend(_start(command, folder, environment, said) for command in commands)
            yield Run(name, case, folder, processes)
        finally:
            for process in processes:
                process.kill()
                process.wait()


def _start(
    command: list[str], folder: Path, environment: dict[str, str], said: IO[bytes]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=subprocess.STDOUT,
    )


def build_k6() -> None:
    """Build k6 where it was not built yet; raise MachineError."""
    built = subprocess.run([PROJECT / "tools" / "k6" / "build", K6_PATH.parents[2]], check=False)
    if built.returncode:
        raise MachineError("benchmark: k6 was not built")


def _engine(case: Case, folder: Path, environment: dict[str, str]) -> list[list[str]]:
    """Return what `klokken storm` starts on a load generator: a master and a worker."""
    plan = case.plan()
    (folder / "plan.json").write_text(plan.model_dump_json())
    (folder / "password").write_text(case.login.password)
    environment |= {
        "KLOKKEN_PLAN": str(folder / "plan.json"),
        "KLOKKEN_RUN_DIR": str(folder / "run"),
        "KLOKKEN_CA_FILE": str(case.login.ca_file),
        "KLOKKEN_PASSWORD_FILE": str(folder / "password"),
        "KLOKKEN_ALLOWED": ",".join(_addresses(plan.login_url)),
    }
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    locust = [*_locust("engine.py"), "--headless"]
    master = [f"--master-bind-port={port}", "--master-bind-host=127.0.0.1", "--only-summary"]
    one = ["--expect-workers=1", "--users=1", "--spawn-rate=1"]
    worker = ["--worker", "--master-host=127.0.0.1", f"--master-port={port}"]
    return [[*locust, "--master", *master, *one], [*_locust("engine.py"), *worker]]


def _stock(name: str, case: Case, folder: Path) -> list[str]:
    rate = case.rate or 100
    return [
        *_locust("stock.py"),
        "--headless",
        "--only-summary",
        f"--users={case.count}",
        f"--spawn-rate={rate:g}",
        # Counted from before Locust has read its files, on a clock that stands still meanwhile.
        f"--run-time={case.seconds + 5}s",
        f"--json-file={folder / 'stock'}",
        "Fast" if name == FAST else "Plain",
    ]


def _locust(file: str) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(_HERE / file)]


def _addresses(url: str) -> list[str]:
    host = url.removeprefix("https://").partition(":")[0]
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None)})


def _engine_own(folder: Path) -> Own:
    record = Record.read(folder / "run" / "record.json")
    late = histogram.latency(
        histogram.merged(
            span.hdr
            for span in record.spans
            if (span.request_class, span.kind) == (ARRIVAL, LATENESS)
        )
    )
    return Own(
        done=sum(record.seconds.completed),
        failed=sum(record.seconds.failed) + sum(record.seconds.dropped),
        lateness=Lateness(p50=late.p50, p99=late.p99, p999=late.p999),
    )


def k6_own(summary: str) -> Own:
    """Return what the metrics of a k6 run say, which are in milliseconds."""
    metrics = json.loads(summary)
    values = {name: metric["values"] for name, metric in metrics.items()}
    done = int(values["logins"]["count"]) if "logins" in values else 0
    dropped = int(values["dropped_iterations"]["count"]) if "dropped_iterations" in values else 0
    late = values["lateness"]
    return Own(
        done=done,
        failed=int(values["iterations"]["count"]) - done + dropped,
        lateness=Lateness(
            p50=late["med"] / 1000, p99=late["p(99)"] / 1000, p999=late["p(99.9)"] / 1000
        ),
    )


def stock_own(statistics: str) -> Own:
    """Return what the statistics of a Locust run say; a login is done with its token."""
    rows = {row["name"]: row for row in json.loads(statistics)}
    return Own(
        done=rows["token"]["num_requests"] if "token" in rows else 0,
        failed=sum(row["num_failures"] for row in rows.values()),
        lateness=None,
    )


def _stock_own(folder: Path) -> Own:
    return stock_own((folder / "stock.json").read_text())


def _k6_own(folder: Path) -> Own:
    return k6_own((folder / "summary.json").read_text())


READERS = {
    KLOKKEN: _engine_own,
    K6: _k6_own,
    K6_EXPRESSION: _k6_own,
    FAST: _stock_own,
    PLAIN: _stock_own,
}
