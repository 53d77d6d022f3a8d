"""The outcome of an exam: what the faults did to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.document import Document
from klokken.errors import Exit
from klokken.faults.injection import Happened
from klokken.faults.kinds import KINDS
from klokken.faults.recovery import LIMIT, back_after, logins_back_after
from klokken.results import Seconds, Verdict, Whole
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.audit.verdict import Audit
    from klokken.logins import Login
    from klokken.writes import Write

# A login goes through these; the drive has no part in it.
LOGIN_TIERS = {Tier.EDGE, Tier.IDENTITY, Tier.DATABASE}


class Recovered(Happened):
    """A fault, and the seconds from its end until writes were back; none where they never were.

    The same of logins, where it met what logins go through, and it was watched.
    """

    back_after: float | None
    logins_watched: bool = False
    logins_back_after: float | None = None

    @property
    def in_time(self) -> bool:
        """Whether writes were back soon enough."""
        return self.back_after is not None and self.back_after <= LIMIT

    @property
    def logins_in_time(self) -> bool:
        """Whether nothing is known of logins that were not back soon enough."""
        back = self.logins_back_after
        return not self.logins_watched or (back is not None and back <= LIMIT)


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
    watched = bool(logins) and kind.tier in LOGIN_TIERS
    return Recovered(
        **fault.model_dump(),
        back_after=back_after(log, fault.ended, kind.cell),
        logins_watched=watched,
        logins_back_after=logins_back_after(logins, fault.ended) if watched else None,
    )


def exit_code(verdict: Verdict, audit: Audit, outcome: Faults) -> Exit:
    """Return how the exam ends: the worst of an invalid storm, the audit and the recoveries.

    Requests that fail during a fault are expected: an exam with faults is judged by what it lost
    and how soon its writes were back, not by the service levels of its profile. Logins do not
    count: who sits the exam is in.
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
    form = "  {:<24}{:>9}{:>9}{:>19}{:>19}{:>6}"
    heads = ("fault", "began", "ended", "writes back after", "logins back after", "lost")
    lines = [form.format(*heads)]
    for fault in outcome.faults:
        began, ended = (f"{at - outcome.opened:.1f} s" for at in (fault.began, fault.ended))
        logins = _after(fault.logins_back_after) if fault.logins_watched else "-"
        name = f"{fault.kind}@{fault.at:g}"
        shown = form.format(name, began, ended, _after(fault.back_after), logins, outcome.lost)
        lines.append(shown + _late(fault))
    lines.append(
        "  Judged by loss and by writes being back; requests that fail during a fault are expected,"
        " and the storm's own verdict on service levels does not count. Logins are told and not"
        " judged: who sits the exam is in."
    )
    return "\n".join(lines)


def _after(back: float | None) -> str:
    return "never" if back is None else f"{back:.1f} s"


def _late(fault: Recovered) -> str:
    """Return what was not back in time, or nothing."""
    what = ["writes"] * (not fault.in_time) + ["logins"] * (not fault.logins_in_time)
    return f"  {' and '.join(what)} later than {LIMIT:g} s after its end" if what else ""
