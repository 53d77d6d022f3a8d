"""The verdict of an audit: what pupils were told was stored against what is there."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, TypeAlias

from klokken.document import Document
from klokken.errors import Exit
from klokken.results import Seconds, Whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from klokken.audit.question import Found
    from klokken.writes import Write

Key: TypeAlias = tuple[str, str]


class Loss(Document):
    """A document that a pupil was told was stored, and that is not there as told.

    `older` is what an earlier attempt of the pupil held, `foreign` what none did.
    """

    username: str
    path: str
    kind: Literal["autosave", "handin"]
    found: Literal["missing", "older", "foreign"]
    told: str
    told_size: Whole
    told_at: Seconds
    there: str | None
    there_size: Whole


class Duplicate(Document):
    """A hand-in acknowledged in several versions, or a document with copies beside it."""

    username: str
    path: str
    acknowledged: Whole
    copies: list[str]


class Unread(Document):
    """A document of which the audit cannot say what it is."""

    username: str
    path: str
    cause: str


class Audit(Document):
    """What an audit found. Counts are of documents, `writes` of acknowledged writes.

    `handed_in` counts pupils with an acknowledged hand-in; None where an older Klokken audited.
    `late` counts hand-ins acknowledged after the deadline. Every acknowledged document is
    present, lost or unread; an unread one is never taken for present.
    """

    schema_version: int = 1
    run: str
    began: datetime
    finished: datetime
    writes: Whole
    acknowledged: Whole
    present: Whole
    lost: list[Loss]
    duplicated: list[Duplicate]
    late: Whole
    unread: list[Unread]
    handed_in: Whole | None = None

    @property
    def exit(self) -> Exit:
        """FAIL where something is lost or nothing stored; MACHINE where it could not be told."""
        if self.lost or not self.acknowledged:
            return Exit.FAIL
        return Exit.MACHINE if self.unread else Exit.PASS

    def missing(self, sat: int) -> bool:
        """Whether fewer pupils have a receipt for a hand-in than `sat`, where that was counted."""
        return self.handed_in is not None and self.handed_in < sat


def audit(
    run: str, writes: Sequence[Write], found: Iterable[Found], began: datetime, finished: datetime
) -> Audit:
    """Return what `found` says of the documents that `writes` tell of."""
    there = {(f.username, f.path): f for f in found}
    lost, duplicated, unread, present, late = [], [], [], 0, 0
    attempts = told(writes)
    for key, tries in attempts.items():
        document = there.get(key)
        missed = document and loss(tries, document)
        if missed:
            lost.append(missed)
        elif document is None or document.cause:
            cause = document.cause if document else "the reader did not come to it"
            unread.append(Unread(username=key[0], path=key[1], cause=cause))
        else:
            present += 1
        twice = duplicate(tries, document.copies if document else [])
        duplicated += [twice] if twice else []
        late += any(w.late for w in tries if _receipt(w))
    return Audit(
        run=run,
        began=began,
        finished=finished,
        writes=sum(w.outcome == "acknowledged" for w in writes),
        acknowledged=len(attempts),
        present=present,
        lost=lost,
        duplicated=duplicated,
        late=late,
        unread=unread,
        handed_in=len({w.username for w in writes if _receipt(w)}),
    )


def told(writes: Iterable[Write]) -> dict[Key, list[Write]]:
    """Return the attempts at each document with an acknowledged write, in the order of sending."""
    by_document: dict[Key, list[Write]] = defaultdict(list)
    for write in sorted(writes, key=attrgetter("sent")):
        by_document[write.username, write.path].append(write)
    return {
        key: tries
        for key, tries in by_document.items()
        if any(w.outcome == "acknowledged" for w in tries)
    }


def allowed(tries: Sequence[Write]) -> set[str]:
    """Return the contents that a document may have: its SHA-256 after the last acknowledgement.

    A later attempt without an answer may have been stored, so its content is allowed too.
    """
    last = max(n for n, w in enumerate(tries) if w.outcome == "acknowledged")
    later = (w.sha256 for w in tries[last + 1 :] if w.outcome == "unknown")
    return {tries[last].sha256, *later}


def loss(tries: Sequence[Write], found: Found) -> Loss | None:
    """Return how the document is lost, or None where it is not, or cannot be told."""
    unseen = found.sha256 is None and found.cause
    if unseen or found.sha256 in allowed(tries):
        return None
    last = [w for w in tries if w.outcome == "acknowledged"][-1]
    older = any(w.sha256 == found.sha256 for w in tries)
    return Loss(
        username=last.username,
        path=last.path,
        kind=last.kind,
        found="missing" if found.sha256 is None else "older" if older else "foreign",
        told=last.sha256,
        told_size=last.size,
        told_at=last.acknowledged or last.sent,
        there=found.sha256,
        there_size=found.size,
    )


def duplicate(tries: Sequence[Write], copies: list[str]) -> Duplicate | None:
    """Return a hand-in stored in several versions, or a document with copies; None if neither."""
    receipts = [w for w in tries if _receipt(w)]
    versions = {(w.sha256, w.etag) for w in receipts}
    if len(versions) <= 1 and not copies:
        return None
    last = tries[-1]
    return Duplicate(
        username=last.username, path=last.path, acknowledged=len(receipts), copies=copies
    )


def _receipt(write: Write) -> bool:
    """Say whether a write is a hand-in that was acknowledged."""
    return write.kind == "handin" and write.outcome == "acknowledged"
