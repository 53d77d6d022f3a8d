"""Makes the record of a storm whose master was lost: `python -m loadtests.salvage`.

It reads `plan.json` and `journal.jsonl` of the folder given, and prints the record. Where there
is room, it writes it beside them as well, as `record.json`, and the log of writes of an exam. What
a worker had not handed over by then counts as lost with it.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from klokken import files, writes
from klokken.errors import KlokkenError, MachineError
from klokken.results import StormPlan
from klokken.storm.folder import JOURNAL, PLAN, RECORD
from loadtests import journal, logbook
from loadtests.books import Books

if TYPE_CHECKING:
    from klokken.record import Record


def salvage(folder: Path, cut_short: str) -> Record:
    """Return and write what the journal in `folder` holds; raise MachineError where it is none.

    `cut_short` says why the storm ended before its time, which may be a disk without room.
    """
    plan = StormPlan.model_validate_json((folder / PLAN).read_bytes())
    books = Books(plan)
    log: list[str] = []
    with (folder / JOURNAL).open(encoding="utf-8", errors="replace") as lines:
        for entry in journal.entries(lines):
            books.enter(entry)
            log += [logbook.lines(entry["delta"])] if "delta" in entry else []
    if books.ledger is None:
        raise MachineError(f"{folder / JOURNAL}: the storm had not begun")
    record = books.record(books.opens_at + books.heard).model_copy(update={"cut_short": cut_short})
    with suppress(OSError):
        if plan.profile.exam:
            files.write(folder / writes.NAME, "".join(log))
        files.write(folder / RECORD, record.model_dump_json())
    return record


if __name__ == "__main__":
    try:
        found = salvage(Path(sys.argv[1]), sys.argv[2])
    except (KlokkenError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.write(found.model_dump_json())
