"""The lines of the log of writes, made of what was sent and what came back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from klokken.writes import Outcome, Write

if TYPE_CHECKING:
    from loadtests.record import Delta
    from loadtests.steps import Draft

_REFUSALS = range(400, 500)
# The one server error that says for certain that nothing was stored.
_FULL = 507


def attempted(  # noqa: PLR0913 - a line has this many parts
    draft: Draft, opened: float, sent: float, end: float, *, status: int | None, etag: str
) -> Write:
    """Return the line of one attempt to store `draft`; `etag` is empty where it was not stored.

    `sent` and `end` are seconds of the storm, which opened at the Unix time `opened`; `status`
    is None where no answer came.
    """
    return Write(
        pupil=draft.pupil,
        username=draft.username,
        cell=draft.cell,
        path=draft.path,
        kind=draft.kind,
        sha256=draft.sha256,
        size=draft.size,
        sent=opened + sent,
        outcome=_outcome(status, etag),
        status=status,
        etag=etag,
        acknowledged=opened + end if etag else None,
        late=bool(etag) and end > draft.deadline,
    )


def lines(delta: Delta) -> str:
    """Return the lines of the log that a worker hands over in `delta`."""
    return "".join(json.dumps(write, ensure_ascii=False) + "\n" for write in delta["writes"])


def _outcome(status: int | None, etag: str) -> Outcome:
    if etag:
        return "acknowledged"
    if status == _FULL or status in _REFUSALS:
        return "refused"
    return "unknown"
