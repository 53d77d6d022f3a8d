"""The command: `python -m benchmarks.sizing`."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import TYPE_CHECKING, Any

import click

from benchmarks.facts import machine, publish
from benchmarks.sizing.document import BEGINS, DRIVES, LOGINS, denmark, document, row
from benchmarks.sizing.otherwise import bells, flat
from benchmarks.sizing.outcome import Answer, Benchmark, Timing
from klokken import files
from klokken.capacity.demands import Demands
from klokken.capacity.run import DEMANDS_FILE
from klokken.capacity.sizing.answer import Sizing
from klokken.paths import PROJECT
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.sizing.outcome import Took

PROGRAM = "import sys; from klokken.cli import main; sys.argv[0] = 'klokken'; main()"
COMMANDS = (("size", LOGINS), ("size", DRIVES), ("size", "bavaria"), ("waves",))
SIZING = PROJECT / "docs" / "sizing.md"


def timed(command: Sequence[str], cache: str | None = None) -> tuple[Took, Any]:
    """Run a command with `--json`; return its seconds and what it printed."""
    environment = os.environ | ({"XDG_CACHE_HOME": cache} if cache else {})
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *command, "--json"],
        cwd=PROJECT,
        env=environment,
        check=True,
        capture_output=True,
    )
    after, ended = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (ended - began, cpu), json.loads(done.stdout)


def _answer(*command: str) -> Answer:
    _, printed = timed(("size", *command))
    return Answer.of(Sizing.model_validate(printed))


def _timing(command: Sequence[str], runs: Sequence[tuple[Took, Any]]) -> Timing:
    """Return one command's rounds, and what it said in the first."""
    _, said = runs[0]
    waves = len(said["waves"]) if "waves" in said else 0
    return Timing(
        command=" ".join(command),
        rounds=[took for took, _ in runs],
        answer=None if waves else Answer.of(Sizing.model_validate(said)),
        waves=waves,
    )


def written(page: str, found: Benchmark) -> str:
    """Return docs/sizing.md with what was found for Denmark."""
    resources = Demands.read(DEMANDS_FILE).resources[Tier.DRIVE]
    kept = resources.pupil_mb.high if resources.pupil_mb else 0.0
    return page.partition(BEGINS)[0] + denmark(found, kept)


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Runs of each command.")
def main(rounds: int) -> None:
    """Measure sizing and write docs/benchmarks/sizing.md, and Denmark in docs/sizing.md."""
    started = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as cache:
        first, _ = timed(COMMANDS[0], cache)
    runs = [[timed(command) for command in COMMANDS] for _ in range(rounds)]
    timings = [
        _timing(command, [one[number] for one in runs]) for number, command in enumerate(COMMANDS)
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = Benchmark(
            started=started,
            first=first,
            timings=timings,
            flat=_answer(DRIVES, "--demands", str(flat(Path(folder)))),
            bells=_answer(str(bells(Path(folder)))),
            finished=datetime.now(UTC),
            machine=machine(),
            versions={"Python": python_version()}
            | {name: version(name) for name in ("numba", "numpy")},
        )
    for timing in timings:
        click.echo(row(timing))
    files.write(SIZING, written(SIZING.read_text(encoding="utf-8"), found))
    click.echo(f"written to {publish('sizing', document(found), found)} and {SIZING}", err=True)


if __name__ == "__main__":
    main()
