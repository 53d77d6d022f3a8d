"""A document that a pupil writes at an exam, saved as a careful client does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loadtests import drive
from loadtests.steps import AsOf, Draft, Found, Meant, Unexpected

if TYPE_CHECKING:
    from klokken.writes import Kind
    from loadtests.drive import Content, Drive
    from loadtests.session import Session
    from loadtests.steps import Journey, Steps
    from loadtests.work import Work

# How often one save may meet another's before it is given up.
_ROUNDS = 5


@dataclass(slots=True)
class Page:
    """One document at `path`; `etag` is that of what the pupil knows to be there, or empty."""

    session: Session
    space: Drive
    work: Work
    kind: Kind
    path: str
    etag: str
    deadline: float

    @property
    def target(self) -> str:
        """Where it is."""
        return self.space.at(self.path)

    def save(self, text: bytes) -> Journey:
        """Save `text`, and know its ETag.

        Where the drive holds something else than expected, the pupil looks at it. It may be
        this very text, or an earlier one, whose answer was lost; what somebody else wrote is
        left alone, and the text saved beside it. All of it counts from when the text was meant
        to be saved.
        """
        meant: float = yield Meant()
        for _ in range(_ROUNDS):
            yield AsOf(meant)
            draft = self._draft(text)
            request = drive.put(self.session.origin, self.target, text, self.etag)
            try:
                self.etag = yield from self.session.ask(
                    self.kind, request, drive.stored, draft=draft
                )
            except Unexpected as finding:
                if str(finding) != drive.CONFLICT:
                    raise
            else:
                return
            if (yield from self.holds(text)):
                yield Found(draft, self.etag)
                return
        raise Unexpected(drive.CONFLICT)

    def holds(self, text: bytes) -> Steps[bool]:
        """Look whether the drive holds `text`, and get ready to save it where it does not."""
        request = drive.get(self.session.origin, self.target)
        found: Content | None = yield from self.session.ask("current", request, drive.current)
        self.etag = found.etag if found else ""
        if found and not self.work.wrote(found.body):
            stem, dot, ending = self.path.rpartition(".")
            self.path, self.etag = f"{stem} (konflikt){dot}{ending}", ""
        return found is not None and found.body == text

    def _draft(self, text: bytes) -> Draft:
        person = self.session.person
        return Draft(
            pupil=self.work.person,
            username=person.username,
            cell=person.cell,
            path=self.path,
            kind=self.kind,
            sha256=hashlib.sha256(text).hexdigest(),
            size=len(text),
            deadline=self.deadline,
        )
