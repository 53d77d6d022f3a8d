"""The command: `python -m benchmarks.measuring results/RUN...`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from benchmarks.facts import publish
from benchmarks.measuring.document import document, goals
from benchmarks.measuring.outcome import Comparison
from klokken.capacity.measure.measurement import Measurement
from klokken.errors import InputError, KlokkenError

_FILE = "measure.json"


def compare(folders: list[Path]) -> Comparison:
    """Return the runs of these folders; raise InputError where they are not of one machine."""
    runs = [_read(folder / _FILE) for folder in folders]
    first = runs[0].plan
    for folder, run in zip(folders, runs, strict=True):
        if run.plan.machine != first.machine or run.plan.stack != first.stack:
            raise InputError(
                str(folder), "machine", "is another than the first run's", "give runs of one"
            )
    return Comparison(
        started=min(run.plan.began for run in runs),
        finished=max(run.finished for run in runs),
        machine=first.machine,
        versions=first.versions,
        runs=runs,
    )


def _read(path: Path) -> Measurement:
    try:
        return Measurement.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            str(path), "", f"cannot be read: {reason}", "give a run that is over"
        ) from None


@click.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(runs: tuple[Path, ...]) -> None:
    """Write docs/benchmarks/measuring.md of the RUNS, folders of `klokken measure`."""
    try:
        found = compare(list(runs))
        path = publish("measuring", document(found), found)
    except KlokkenError as error:
        click.echo(str(error), err=True)
        sys.exit(error.code)
    click.echo(goals(found))
    click.echo(f"written to {path}", err=True)


if __name__ == "__main__":
    main()
