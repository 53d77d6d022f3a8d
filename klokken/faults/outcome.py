"""The outcome of an exam: what the faults did to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.document import Document
from klokken.errors import Exit
from klokken.faults.injection import Happened
from klokken.faults.kinds import KINDS
from klokken.faults.recovery import LIMIT, back_after, failed_during, logins_back_after
from klokken.results import Seconds, Verdict, Whole
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.audit.verdict import Audit
    from klokken.logins import Login
    from klokken.results import Results
    from klokken.writes import Write

# A login goes through these; the drive has no part in it.
LOGIN_TIERS = {Tier.EDGE, Tier.IDENTITY, Tier.DATABASE}


class Recovered(Happened):
    """A fault, and the seconds from its end until writes were back; none where they never were.

    The same of logins, where it met what logins go through. `failed_during` counts the writes
    that were not acknowledged from its beginning until they were back, and so whether it bit;
    None where an older Klokken made it.
    """

    back_after: float | None
    failed_during: Whole | None = None
    logins_watched: bool = False
    logins_back_after: float | None = None

    @property
    def in_time(self) -> bool:
        """Whether writes were back soon enough."""
        return self.back_after is not None and self.back_after <= LIMIT

    @property
    def logins_in_time(self) -> bool:
        """Whether logins were back soon enough, or not met."""
        back = self.logins_back_after
        return not self.logins_watched or (back is not None and back <= LIMIT)

    @property
    def all_in_time(self) -> bool:
        """Whether all that the fault met was back soon enough."""
        return self.in_time and self.logins_in_time


class Faults(Document):
    """What faults.json holds. `opened` is in Unix seconds; `lost` counts documents of the exam."""

    schema_version: int = 1
    run: str
    opened: Seconds
    back_limit_seconds: float = LIMIT
    faults: list[Recovered]
    lost: Whole


def faults(  # noqa: PLR0913 - an outcome is made of this much
    run: str,
    opened: float,
    happened: Sequence[Happened],
    log: Sequence[Write],
    audit: Audit,
    *,
    logins: Sequence[Login] = (),
) -> Faults:
    """Return the faults of an exam with the recovery after each."""
    recovered = [_recovered(one, log, logins) for one in happened]
    return Faults(run=run, opened=opened, faults=recovered, lost=len(audit.lost))


def _recovered(fault: Happened, log: Sequence[Write], logins: Sequence[Login]) -> Recovered:
    kind = KINDS[fault.kind]
    watched = kind.tier in LOGIN_TIERS
    back = back_after(log, fault.ended, kind.cell)
    until = None if back is None else fault.ended + back
    return Recovered(
        **fault.model_dump(),
        back_after=back,
        failed_during=failed_during(log, fault.began, until, kind.cell),
        logins_watched=watched,
        logins_back_after=logins_back_after(logins, fault.ended) if watched else None,
    )


def exit_code(results: Results, audit: Audit, outcome: Faults) -> Exit:
    """Return how the exam ends. What is lost is lost, however late the generator.

    Requests that fail during a fault are expected: an exam with faults is judged by what it lost,
    by whether everybody who sat handed in, and by how soon writes and logins were back, not by the
    service levels of its profile.
    """
    if audit.lost:
        return Exit.FAIL
    if audit.unread:
        return Exit.MACHINE
    if results.verdict is Verdict.INVALID:
        return Exit.INVALID
    levels = results.verdict is not Verdict.FAIL or bool(outcome.faults)
    back = all(fault.all_in_time for fault in outcome.faults)
    stored = audit.exit is Exit.PASS and not audit.missing(results.started_journeys)
    return Exit.PASS if levels and back and stored else Exit.FAIL


def handed_in(results: Results, audit: Audit) -> str:
    """Return how many of those who sat have a receipt for what they handed in."""
    of_whom = f"{audit.handed_in} of {results.started_journeys} who sat have a receipt"
    missing = "  FAIL: somebody has none" if audit.missing(results.started_journeys) else ""
    return f"  handed in: {of_whom}{missing}"


def table(outcome: Faults) -> str:
    """Return a line for each fault, times in seconds since the exam opened."""
    if not outcome.faults:
        return ""
    form = "  {:<24}{:>9}{:>9}{:>15}{:>19}{:>19}{:>6}"
    heads = ("fault", "began", "ended", "failed during", "writes back after", "logins back after",
             "lost")  # fmt: skip
    lines = [form.format(*heads)]
    for fault in outcome.faults:
        began, ended = (f"{at - outcome.opened:.1f} s" for at in (fault.began, fault.ended))
        logins = _after(fault.logins_back_after) if fault.logins_watched else "-"
        name = f"{fault.kind}@{fault.at:g}"
        failed = "-" if fault.failed_during is None else fault.failed_during
        back = _after(fault.back_after)
        shown = form.format(name, began, ended, failed, back, logins, outcome.lost)
        lines.append(shown + _late(fault))
    lines.append(
        "  Judged by loss, by hand-ins, and by writes and logins being back; requests that fail"
        " during a fault are expected, and the storm's own verdict on service levels does not"
        " count."
    )
    return "\n".join(lines)


def _after(back: float | None) -> str:
    return "never" if back is None else f"{back:.1f} s"


def _late(fault: Recovered) -> str:
    """Return what was not back in time, or nothing."""
    what = ["writes"] * (not fault.in_time) + ["logins"] * (not fault.logins_in_time)
    return f"  {' and '.join(what)} later than {LIMIT:g} s after its end" if what else ""
