"""An exam from beginning to end: the storm and its faults, the audit, the recoveries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken import logins, report, writes
from klokken.audit import run as audits
from klokken.errors import KlokkenError
from klokken.faults.injection import Injection
from klokken.faults.latecomers import Latecomers
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
    problem: KlokkenError | None = None

    @property
    def exit(self) -> Exit:
        """How the command ends: loss first, then a `problem` that leaves the rest in doubt."""
        if self.problem and not self.audit.lost:
            return self.problem.code
        return exit_code(self.results, self.audit, self.faults)


def sit(
    inventory: Inventory, plan: StormPlan, asked: Sequence[Fault], up: Callable[[], None]
) -> Exam:
    """Ring the exam of `plan` with the faults that are `asked`, then audit it.

    `up` brings the stack up again after a power-off. Raises InputError before anything is rung
    where a fault has no host. The problem of an exam is that a fault never began, could not be
    made or undone, or that logins could not be watched meanwhile.
    """
    for fault in asked:
        ways(fault, inventory)
    with (
        Latecomers(inventory, plan) as latecomers,
        Schedule(asked, Injection(inventory, up)) as schedule,
    ):

        def opened(at: float) -> None:
            schedule.opened(at)
            if asked:
                latecomers.begin()

        results, folder = storms.storm(inventory, plan, opened=opened)
    audit = audits.run(folder, inventory)
    log, came = list(writes.read(folder / writes.NAME)), latecomers.logins
    opened_at = schedule.opened_at or results.started.timestamp()
    outcome = faults(plan.run, opened_at, schedule.happened, log, audit, logins=came)
    audits.write(folder / FAULTS, outcome.model_dump_json(indent=2) + "\n")
    if outcome.faults:
        audits.write(folder / logins.NAME, "".join(one.model_dump_json() + "\n" for one in came))
        report.write(results, folder)
    problem = _problem(schedule.require_all, latecomers.require)
    return Exam(results, folder, audit, outcome, problem)


def _problem(*requirements: Callable[[], None]) -> KlokkenError | None:
    """Return the first error that one of `requirements` raises; what was found is told before."""
    for require in requirements:
        try:
            require()
        except KlokkenError as error:
            return error
    return None
