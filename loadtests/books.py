"""The books of a storm: its ledger, opened and filled by the entries of the journal.

The master enters what it hears as it comes; `salvage.py` enters a journal that was left behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from loadtests.ledger import Ledger, Page

if TYPE_CHECKING:
    from klokken.record import Record
    from klokken.results import StormPlan
    from loadtests.journal import Entry
    from loadtests.record import Delta


class Books:
    """What is known of one storm; `ledger` is None until the pupils were shared out.

    `opens_at` is when the storm's `opens` was, in Unix seconds; `heard` the second of the storm
    at which a worker last said anything.
    """

    def __init__(self, plan: StormPlan) -> None:
        """Open them."""
        self.plan = plan
        self.ledger: Ledger | None = None
        self.opens_at = 0.0
        self.heard = 0.0
        self._versions: dict[str, str] = {}

    def enter(self, entry: Entry) -> None:
        """Take one entry; a delta before the sharing out means nothing."""
        if "shared" in entry:
            self.opens_at = entry["opens_at"]
            pages = [Page(**page) for page in entry["shared"]]
            self.ledger = Ledger(self.plan.run, pages, self.plan.profile.journey)
        elif self.ledger is not None:
            self._add(self.ledger, entry["worker"], entry["delta"], entry["at"])

    def _add(self, ledger: Ledger, worker: str, delta: Delta, at: float) -> None:
        self._versions |= delta.get("versions", {})
        self.heard = max(self.heard, at)
        ledger.add(worker, delta, at)

    def opened(self) -> Ledger:
        """Return the ledger of a storm whose pupils were shared out."""
        if self.ledger is None:
            raise RuntimeError("the pupils were not shared out yet")
        return self.ledger

    def record(self, finished: float) -> Record:
        """Close the books at the Unix time `finished`, and return the record."""
        return self.opened().record(self.opens_at, finished, self._versions)


def shared_out(pages: list[tuple[str, int, int, list[int]]], opens_at: float) -> Entry:
    """Return the entry that gives workers their pupils: names, ranges, and how many by second."""
    shared: list[dict[str, Any]] = [
        {"name": name, "first": first, "end": end, "due": due} for name, first, end, due in pages
    ]
    return {"shared": shared, "opens_at": opens_at}
