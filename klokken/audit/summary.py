"""What a person sees of an audit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from klokken.profile import Title

if TYPE_CHECKING:
    from klokken.audit.verdict import Audit, Loss

# How many of the documents that need a line of their own get one.
SHOWN = 20


def summary(audit: Audit) -> str:
    """Return the figures in two lines, then a line for each document that is lost or unread."""
    figures = (
        f"  acknowledged {audit.acknowledged}, present {audit.present}, lost {len(audit.lost)},"
        f" duplicated {len(audit.duplicated)}, late {audit.late}, unread {len(audit.unread)}"
    )
    twice = [
        f"DUPLICATED {d.username} {d.path}: acknowledged {d.acknowledged} times"
        + (f", beside it {', '.join(d.copies)}" if d.copies else "")
        for d in audit.duplicated
    ]
    unread = [f"UNREAD {u.username} {u.path}: {u.cause}" for u in audit.unread]
    parts = [[_lost(loss) for loss in audit.lost], unread, twice]
    return "\n".join([sentences(audit).en, figures, *(f"  {x}" for p in parts for x in _first(p))])


def sentences(audit: Audit) -> Title:
    """Return what the audit found as one sentence, in Danish and in English."""
    documents, lost, unread = audit.acknowledged, len(audit.lost), len(audit.unread)
    if not documents:
        return Title(
            da="Der blev ikke kvitteret for en eneste besvarelse.",
            en="Not a single document was acknowledged.",
        )
    if lost:
        return Title(
            da=f"{lost} af {documents} kvitterede besvarelser er gået tabt.",
            en=f"{lost} of {documents} acknowledged documents are lost.",
        )
    if unread:
        return Title(
            da=f"{unread} af {documents} kvitterede besvarelser kunne ikke læses: intet er bevist.",
            en=f"{unread} of {documents} acknowledged documents could not be read: nothing proven.",
        )
    return Title(
        da=f"Ingen af {documents} kvitterede besvarelser er gået tabt ({audit.writes} gem).",
        en=f"None of {documents} acknowledged documents is lost ({audit.writes} writes).",
    )


def _lost(loss: Loss) -> str:
    at = datetime.fromtimestamp(loss.told_at, UTC).strftime("%H:%M:%S")
    there = {
        "missing": "there is nothing",
        "older": f"there is an older one, {(loss.there or '')[:12]} of {loss.there_size} bytes",
        "foreign": f"there is another, {(loss.there or '')[:12]} of {loss.there_size} bytes",
    }[loss.found]
    told = f"told {loss.told[:12]} of {loss.told_size} bytes at {at} UTC"
    return f"LOST {loss.username} {loss.path} ({loss.kind}): {told}, {there}"


def _first(lines: list[str]) -> list[str]:
    """Return the first lines, and how many more there are."""
    more = [f"… and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return lines[:SHOWN] + more
