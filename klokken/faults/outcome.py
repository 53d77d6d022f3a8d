"""The outcome of an exam: what the faults did to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.document import Document
from klokken.errors import Exit
from klokken.faults.injection import Happened
from klokken.faults.kinds import KINDS
from klokken.faults.recovery import LIMIT, back_after
from klokken.results import Seconds, Verdict, Whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.audit.verdict import Audit
    from klokken.writes import Write


class Recovered(Happened):
    """A fault, and the seconds from its end until service was back; none where it never was."""

    back_after: float | None

    @property
    def in_time(self) -> bool:
        """Whether service was back soon enough."""
        return self.back_after is not None and self.back_after <= LIMIT


class Faults(Document):
    """What faults.json holds. `opened` is in Unix seconds; `lost` counts documents of the exam."""

    schema_version: int = 1
    run: str
    opened: Seconds
    back_limit_seconds: float = LIMIT
    faults: list[Recovered]
    lost: Whole


def faults(
    run: str, opened: float, happened: Sequence[Happened], log: Sequence[Write], audit: Audit
) -> Faults:
    """Return the faults of an exam with the recovery after each."""
    recovered = [
        Recovered(**h.model_dump(), back_after=back_after(log, h.ended, KINDS[h.kind].cell))
        for h in happened
    ]
    return Faults(run=run, opened=opened, faults=recovered, lost=len(audit.lost))


def exit_code(verdict: Verdict, audit: Audit, outcome: Faults) -> Exit:
    """Return how the exam ends: the worst of an invalid storm, the audit and the recoveries.

    Requests that fail during a fault are expected: an exam with faults is judged by what it lost
    and how soon service was back, not by the service levels of its profile.
    """
    codes = [audit.exit, *(Exit.PASS if fault.in_time else Exit.FAIL for fault in outcome.faults)]
    if verdict is Verdict.INVALID:
        codes.append(Exit.INVALID)
    if verdict is Verdict.FAIL and not outcome.faults:
        codes.append(Exit.FAIL)
    return max(codes)


def table(outcome: Faults) -> str:
    """Return a line for each fault, times in seconds since the exam opened."""
    if not outcome.faults:
        return ""
    form = "  {:<24}{:>9}{:>9}{:>21}{:>6}"
    lines = [form.format("fault", "began", "ended", "service back after", "lost")]
    for fault in outcome.faults:
        back = "never" if fault.back_after is None else f"{fault.back_after:.1f} s"
        began, ended = (f"{at - outcome.opened:.1f} s" for at in (fault.began, fault.ended))
        late = "" if fault.in_time else f"  later than {LIMIT:g} s after its end"
        name = f"{fault.kind}@{fault.at:g}"
        lines.append(form.format(name, began, ended, back, outcome.lost) + late)
    lines.append(
        "  Judged by loss and recovery; requests that fail during a fault are expected, and the"
        " storm's own verdict on service levels does not count."
    )
    return "\n".join(lines)
