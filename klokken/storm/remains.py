"""What a storm leaves: a folder with its record, and the results that are made of it.

Until the results are there, the folder keeps all that they are made of, so that `klokken report`
can make them later of a storm that broke off, or for whose results there was no room.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from klokken import files, report
from klokken.errors import InputError, MachineError
from klokken.paths import PROJECT
from klokken.record import Record
from klokken.results import MachineFacts, Results, StormPlan, Verdict
from klokken.storm import outcome
from klokken.storm.folder import JOURNAL, PLAN, RECORD, SURROUNDINGS
from klokken.storm.outcome import Surroundings

if TYPE_CHECKING:
    from pathlib import Path

_SURROUNDINGS = TypeAdapter(Surroundings)
# Of a folder that was copied here from a load generator.
_UNKNOWN = MachineFacts(cpu_model="not known", cores=0, memory_bytes=0, kernel="not known")
_LEFT = "`klokken storm` ended before its storm did; this is what was heard until then"


def begin(folder: Path, plan: StormPlan, around: Surroundings) -> None:
    """Make the folder of a storm, with what must be known to make results of its record."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.write(folder / PLAN, plan.model_dump_json())
        files.write(folder / SURROUNDINGS, _SURROUNDINGS.dump_json(around).decode())
    except OSError as error:
        raise MachineError(f"{folder}: cannot be made ({error.strerror})") from None


def conclude(plan: StormPlan, record: Record, around: Surroundings, folder: Path) -> Results:
    """Return the results of a storm, and write them and their report into `folder`.

    Where that has no room for them, the storm is INVALID for that reason, and keeps its record.
    """
    found = outcome.results(plan, record, around)
    try:
        _write(found, record, folder)
    except MachineError as error:
        kept = any((folder / name).exists() for name in (RECORD, JOURNAL))
        why = f"{error}; what was recorded is in {folder}" if kept else str(error)
        reasons = {"invalid_because": [*found.invalid_because, why], "verdict": Verdict.INVALID}
        return found.model_copy(update=reasons)
    return found


def reported(folder: Path) -> Path:
    """Write the report of the storm in `folder` again and return its path.

    Where the folder has no results yet, they are made of its record, or of the journal of what
    was heard. Raises InputError where it holds no storm, and MachineError where it has no room.
    """
    if not (folder / "results.json").exists() and (folder / PLAN).exists():
        plan, record = _plan(folder), _record(folder)
        _write(outcome.results(plan, record, _around(folder)), record, folder)
        return folder / report.NAME
    return report.write(Results.read(folder / "results.json"), folder)


def salvaged(folder: Path, because: str) -> Record | None:
    """Return the record that the journal in `folder` comes to; None where it holds no storm.

    `because` says why the storm ended before its time.
    """
    done = subprocess.run(
        [sys.executable, "-m", "loadtests.salvage", str(folder), because],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode else Record.model_validate_json(done.stdout)


def _write(found: Results, record: Record, folder: Path) -> None:
    try:
        outcome.write(found, record, folder)
        report.write(found, folder)
    except MachineError:
        # Half of it would pass for the whole.
        (folder / "results.json").unlink(missing_ok=True)
        raise
    for name in (PLAN, SURROUNDINGS):
        (folder / name).unlink(missing_ok=True)


def _plan(folder: Path) -> StormPlan:
    path = folder / PLAN
    try:
        return StormPlan.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        problem = f"is no plan of a storm ({str(error).splitlines()[0]})"
        raise InputError(path, "", problem, "name the folder of a run") from None


def _record(folder: Path) -> Record:
    if (folder / RECORD).exists():
        return Record.read(folder / RECORD)
    record = salvaged(folder, _LEFT) if (folder / JOURNAL).exists() else None
    if record is None:
        raise InputError(folder, "", "holds no record of a storm", "name the folder of a run")
    return record


def _around(folder: Path) -> Surroundings:
    try:
        return _SURROUNDINGS.validate_json((folder / SURROUNDINGS).read_bytes())
    except (OSError, ValidationError):
        return Surroundings(_UNKNOWN)
