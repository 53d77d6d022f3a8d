"""An audit from beginning to end: the log read, the documents read back, the verdict written."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from klokken import files, writes
from klokken.audit.question import Site, ask
from klokken.audit.verdict import Audit, audit, told
from klokken.errors import InputError, MachineError
from klokken.paths import RESULTS
from klokken.report.aftermath import AUDIT
from klokken.storm.remains import reported

if TYPE_CHECKING:
    from klokken.inventory import Inventory


def folder_of(run: str) -> Path:
    """Return the folder of `run`, which is a name in results/ or a path; raise InputError."""
    for folder in (RESULTS / run, Path(run)):
        if folder.is_dir():
            return folder
    raise InputError("audit", run, "there is no such run", f"see {RESULTS}")


def stack_of(folder: Path) -> str:
    """Return the stack that the run in `folder` was sat at; raise InputError where none is told."""
    path = folder / "results.json"
    try:
        return str(json.loads(path.read_bytes())["plan"]["stack"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(path, "plan.stack", "cannot be read", "give --stack") from None


def run(folder: Path, inventory: Inventory) -> Audit:
    """Audit the run in `folder`, write the outcome there, and the report again with it.

    Raises InputError for a run that is no exam, MachineError where the reader failed.
    """
    path = folder / writes.NAME
    if not path.exists():
        raise InputError(path, "", "there is no such file", "audit the run of an exam")
    log = list(writes.read(path))
    documents = told(log)
    began = datetime.now(UTC)
    question = Site(inventory.site.site_domain).question(w for t in documents.values() for w in t)
    found = ask(inventory, question, sys.stderr) if documents else []
    outcome = audit(folder.resolve().name, log, found, began, datetime.now(UTC))
    write(folder / AUDIT, outcome.model_dump_json(indent=2) + "\n")
    if (folder / "results.json").exists():
        reported(folder)
    return outcome


def write(path: Path, text: str) -> None:
    """Write `text` to `path`, whole or not at all; raise MachineError."""
    try:
        files.write(path, text)
    except OSError as error:
        raise MachineError(f"{path}: cannot be written ({error.strerror})") from None
