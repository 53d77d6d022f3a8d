"""The master process: shares the pupils out, adds up what workers report, writes the record."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import gevent

from klokken import files, writes
from klokken.curve import seconds
from klokken.errors import MachineError
from klokken.storm.attendance import attendance, shares
from klokken.storm.folder import PROGRESS, RECORD
from klokken.storm.timing import lasting
from loadtests import logbook
from loadtests.arrivals import MARGIN
from loadtests.books import Books, shared_out
from loadtests.journal import Journal, unwritable
from loadtests.worker import StormClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.results import StormPlan
    from loadtests.journal import Entry
    from loadtests.record import Delta

# Seconds from sharing out to the opening, for Locust to start its Users in.
LEAD = 3.0
# Seconds of silence after which a worker that should report each second counts as lost.
SILENCE = 5.0
# Seconds over which the rate of a progress line is taken.
_RATE_SECONDS = 5


class Master:
    """One storm as the master sees it. Its files go to `folder`.

    Where it is `watched`, workers tell Locust's own statistics of every request. `broken` says why
    the storm cannot go on, which is when its files cannot be written: what nobody can read later
    need not be rung.
    """

    def __init__(self, plan: StormPlan, folder: Path, *, watched: bool = False) -> None:
        """Make the folder, which may exist; raise MachineError where a storm was rung in it."""
        self.plan = plan
        self.watched = watched
        self.folder = folder
        self.record_written = False
        self.broken: str | None = None
        self._books = Books(plan)
        self._clock = StormClock(0.0)
        self._cpu: list[float] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(folder)
        for name in (PROGRESS, writes.NAME):
            self._append(name, "")

    @property
    def begun(self) -> bool:
        """Whether the pupils were shared out."""
        return self._books.ledger is not None

    def share_out(self, workers: list[str], send: Callable[[str, dict[str, Any]], None]) -> None:
        """Give each of `workers` its pupils and the moment of the opening."""
        ranges = shares(self.plan.people, len(workers))
        pages = [
            (name, first, end, attendance(self.plan, first, end).by_second())
            for name, (first, end) in zip(workers, ranges, strict=True)
        ]
        opens_at = time.time() + LEAD
        self._clock = StormClock(opens_at)
        self._enter(shared_out(pages, opens_at))
        when = {"opens_at": opens_at, "watched": self.watched}
        for name, first, end, _ in pages:
            send(name, {"first": first, "end": end, **when})

    def receive(self, worker: str, delta: Delta) -> None:
        """Take what a worker hands over; what was written goes into its log at once."""
        if self.begun:
            self._enter({"delta": delta, "worker": worker, "at": self._clock()})
            if delta["writes"]:
                self._append(writes.NAME, logbook.lines(delta))

    def follow(self) -> None:
        """Write a line of progress each second until every worker has ended or is lost."""
        ledger = self._books.opened()
        last = lasting(self.plan) + 2 * MARGIN + SILENCE
        then, used = self._clock(), time.process_time()
        while self._clock() < last and not ledger.settled(self._clock(), SILENCE):
            gevent.sleep(1.0)
            now, use = self._clock(), time.process_time()
            self._cpu.append((use - used) / (now - then))
            then, used = now, use
            self._progress(done=False)
            if self.broken:
                return

    def finish(self, cut_short: str = "") -> None:
        """Write the record, and a last line of progress; only the first call does so.

        `cut_short` says why the storm ended before its time.
        """
        if self.record_written or self.broken:
            return
        own = {"cut_short": cut_short, "master_cpu": self._cpu}
        record = self._books.record(time.time()).model_copy(update=own)
        try:
            files.write(self.folder / RECORD, record.model_dump_json())
        except OSError as error:
            self.broken = str(unwritable(self.folder / RECORD, error))
            return
        self.record_written = True
        self._progress(done=True)

    def explain(self) -> None:
        """Say why the storm could not go on, where it could not."""
        if self.broken:
            sys.stderr.write(f"{self.broken}\n")

    @property
    def second(self) -> int:
        """The second of the storm, 0 before it opened."""
        return max(0, int(self._clock()))

    def _enter(self, entry: Entry) -> None:
        try:
            self._journal.write(entry)
        except MachineError as error:
            self.broken = self.broken or str(error)
        self._books.enter(entry)

    def _append(self, name: str, text: str) -> None:
        try:
            with (self.folder / name).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            self.broken = self.broken or str(unwritable(self.folder / name, error))

    def _progress(self, *, done: bool) -> None:
        ledger, now = self._books.opened(), max(0.0, self._clock())
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
        self._append(PROGRESS, json.dumps(line) + "\n")

    def _time_of_day(self, second: float) -> str:
        return str(
            timedelta(seconds=int(seconds(self.plan.opens) + second * self.plan.compression))
        ).zfill(8)
