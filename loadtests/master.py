"""The master process: shares the pupils out, adds up what workers report, writes the record."""

from __future__ import annotations

import json
import os
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import gevent

from klokken import writes
from klokken.curve import seconds
from klokken.storm.attendance import attendance, shares
from klokken.storm.timing import lasting
from loadtests.arrivals import MARGIN
from loadtests.ledger import Ledger, Page
from loadtests.worker import StormClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.results import StormPlan
    from loadtests.record import Delta

# Seconds from sharing out to the opening, for Locust to start its Users in.
LEAD = 3.0
# Seconds of silence after which a worker that should report each second counts as lost.
SILENCE = 5.0
# Seconds over which the rate of a progress line is taken.
_RATE_SECONDS = 5


class Master:
    """One storm as the master sees it. Its files go to `folder`.

    Where it is `watched`, workers tell Locust's own statistics of every request.
    """

    def __init__(self, plan: StormPlan, folder: Path, *, watched: bool = False) -> None:
        """Make the folder, which may exist."""
        self.plan = plan
        self.watched = watched
        self.folder = folder
        self.record_written = False
        self._ledger: Ledger | None = None
        self._versions: dict[str, str] = {}
        self._opens_at = 0.0
        self._clock = StormClock(0.0)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "progress.jsonl").write_text("")
        (folder / writes.NAME).write_text("")

    @property
    def begun(self) -> bool:
        """Whether the pupils were shared out."""
        return self._ledger is not None

    def share_out(self, workers: list[str], send: Callable[[str, dict[str, Any]], None]) -> None:
        """Give each of `workers` its pupils and the moment of the opening."""
        ranges = shares(self.plan.people, len(workers))
        pages = [
            Page(name, first, end, attendance(self.plan, first, end).by_second())
            for name, (first, end) in zip(workers, ranges, strict=True)
        ]
        self._ledger = Ledger(self.plan.run, pages, self.plan.profile.journey)
        self._opens_at = time.time() + LEAD
        self._clock = StormClock(self._opens_at)
        for page in pages:
            share = {
                "first": page.first,
                "end": page.end,
                "opens_at": self._opens_at,
                "watched": self.watched,
            }
            send(page.name, share)

    def receive(self, worker: str, delta: Delta) -> None:
        """Take what a worker hands over; what was written goes into its log at once."""
        if self._ledger is not None:
            if delta["writes"]:
                lines = (json.dumps(write, ensure_ascii=False) + "\n" for write in delta["writes"])
                with (self.folder / writes.NAME).open("a", encoding="utf-8") as file:
                    file.writelines(lines)
            self._versions |= delta.pop("versions", {})
            self._ledger.add(worker, delta, self._clock())

    def follow(self) -> None:
        """Write a line of progress each second until every worker has ended or is lost."""
        ledger = self._opened()
        last = lasting(self.plan) + 2 * MARGIN + SILENCE
        while self._clock() < last and not ledger.settled(self._clock(), SILENCE):
            gevent.sleep(1.0)
            self._progress(done=False)

    def finish(self) -> None:
        """Write the record, and a last line of progress; only the first call does so."""
        if self.record_written:
            return
        record = self._opened().record(self._opens_at, time.time(), self._versions)
        draft = self.folder / "record.json.part"
        with draft.open("w", encoding="utf-8") as file:
            file.write(record.model_dump_json())
            file.flush()
            os.fsync(file.fileno())
        draft.rename(self.folder / "record.json")
        self.record_written = True
        self._progress(done=True)

    def _opened(self) -> Ledger:
        if self._ledger is None:
            raise RuntimeError("the pupils were not shared out yet")
        return self._ledger

    def _progress(self, *, done: bool) -> None:
        ledger, now = self._opened(), max(0.0, self._clock())
        recent = range(max(0, int(now) - _RATE_SECONDS), int(now))
        started = ledger.started_in(recent.start, recent.stop)
        line = {
            "clock": self._time_of_day(now),
            "second": int(now),
            **ledger.totals(),
            "rate": round(started / len(recent), 1) if recent else 0.0,
            "workers": len(ledger.pages),
            "lost": len(ledger.lost(self._clock(), SILENCE)),
            "done": done,
        }
        with (self.folder / "progress.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def _time_of_day(self, second: float) -> str:
        return str(
            timedelta(seconds=int(seconds(self.plan.opens) + second * self.plan.compression))
        ).zfill(8)
