"""An exam from beginning to end: the storm and its faults, the audit, the recoveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken import report, writes
from klokken.audit import run as audits
from klokken.faults.injection import Injection
from klokken.faults.outcome import Faults, exit_code, faults
from klokken.faults.schedule import Schedule
from klokken.faults.ways import ways
from klokken.report.aftermath import FAULTS
from klokken.storm import run as storms

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from klokken.audit.verdict import Audit
    from klokken.errors import Exit
    from klokken.faults.kinds import Fault
    from klokken.inventory import Inventory
    from klokken.results import Results, StormPlan


@dataclass(frozen=True, slots=True)
class Exam:
    """An exam that was sat."""

    results: Results
    folder: Path
    audit: Audit
    faults: Faults

    @property
    def exit(self) -> Exit:
        """How the command ends."""
        return exit_code(self.results.verdict, self.audit, self.faults)


def sit(
    inventory: Inventory, plan: StormPlan, asked: Sequence[Fault], up: Callable[[], None]
) -> Exam:
    """Ring the exam of `plan` with the faults that are `asked`, then audit it.

    `up` brings the stack up again after a power-off. Raises InputError before anything is rung
    where a fault has no host, and after the audit where one never began; MachineError where one
    could not be made or undone.
    """
    for fault in asked:
        ways(fault, inventory)
    with Schedule(asked, Injection(inventory, up)) as schedule:
        results, folder = storms.storm(inventory, plan, opened=schedule.opened)
    audit = audits.run(folder, inventory)
    schedule.require_all()
    log = list(writes.read(folder / writes.NAME))
    opened = schedule.opened_at or results.started.timestamp()
    outcome = faults(plan.run, opened, schedule.happened, log, audit)
    audits.write(folder / FAULTS, outcome.model_dump_json(indent=2) + "\n")
    if outcome.faults:
        report.write(results, folder)
    return Exam(results, folder, audit, outcome)
