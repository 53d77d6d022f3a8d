"""The ledger of the master: what every worker handed over, added up to one record."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from klokken.record import WORKER_LOST, ClassCounts, Record, SecondCounts, WorkerRecord
from klokken.results import Footprint, Writes
from loadtests.record import COUNTS, Delta
from loadtests.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(slots=True)
class Page:
    """One worker's part: the pupils it was given, how many are `due` by second, what it said.

    `heard` is when it last said anything, in seconds since the storm's `opens`.
    """

    name: str
    first: int
    end: int
    due: list[int]
    heard: float = 0.0
    final: bool = False
    seconds: dict[str, Counter[int]] = field(default_factory=lambda: {n: Counter() for n in COUNTS})
    dropped: Counter[str] = field(default_factory=Counter)
    ok: Counter[str] = field(default_factory=Counter)
    failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    abandoned: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    writes: Counter[str] = field(default_factory=Counter)
    cpu: list[float] = field(default_factory=list)
    stolen: list[float] = field(default_factory=list)
    memory_bytes: int = 0
    footprint: Footprint = field(default_factory=Footprint)

    def add(self, delta: Delta, now: float) -> None:
        """Add what the worker handed over at `now`."""
        for name, counts in delta["seconds"].items():
            self.seconds[name].update(dict(counts))
        self.dropped.update(dict(delta["dropped"]))
        self.ok.update(dict(delta["ok"]))
        self.failures.update({(name, cause): n for name, cause, n in delta["failures"]})
        self.abandoned.update(dict(delta["abandoned"]))
        self.retries.update(dict(delta["retries"]))
        # The journal of an earlier Klokken has none.
        self.left_out.update(dict(delta.get("left_out", [])))
        for write in delta["writes"]:
            self.writes.update(_counted(write))
        self.cpu += delta["cpu"]
        self.stolen += delta["stolen"]
        self.memory_bytes = max(self.memory_bytes, delta["memory_bytes"])
        self.footprint = self.footprint.model_copy(update=delta.get("footprint", {}))
        self.final = self.final or delta["final"]
        self.heard = now

    def write_off(self, whole: str) -> None:
        """Account for the pupils that a lost worker will say nothing more of.

        Those it had begun have failed, in the class `whole`; those it had not are dropped.
        """
        unfinished = self._count("started") - self._count("completed", "failed", "abandoned")
        if unfinished > 0:
            self.failures[whole, WORKER_LOST] += unfinished
            self.seconds["failed"][max(0, int(self.heard))] += unfinished
        # Who was due and had not taken the first step when it last reported.
        ready = self._count("offered") - self._count("started", "dropped")
        if ready > 0:
            self._drop(max(self.seconds["offered"]), ready)
        for second, due in enumerate(self.due):
            missing = due - self.seconds["offered"][second]
            if missing > 0:
                self.seconds["offered"][second] += missing
                self._drop(second, missing)

    def _drop(self, second: int, count: int) -> None:
        self.seconds["dropped"][second] += count
        self.dropped[WORKER_LOST] += count

    def _count(self, *names: str) -> int:
        return sum(self.seconds[name].total() for name in names)


class Ledger:
    """The pages of all workers of a storm."""

    def __init__(self, run: str, pages: Iterable[Page], whole: str = "login") -> None:
        """Open the ledger of the storm called `run`, whose journeys are of the class `whole`."""
        self.run = run
        self.whole = whole
        self.pages = {page.name: page for page in pages}
        self._spans = Spans()

    def add(self, worker: str, delta: Delta, now: float) -> None:
        """Add what `worker` handed over; one that was given no pupils has nothing to say."""
        if worker not in self.pages:
            return
        self.pages[worker].add(delta, now)
        for start, name, kind, hdr in delta["spans"]:
            self._spans.add(start, name, kind, hdr)

    def lost(self, now: float, silence: float) -> list[Page]:
        """Return the pages of workers that have been silent too long, in seconds, at `now`."""
        return [p for p in self.pages.values() if not p.final and now - p.heard > silence]

    def settled(self, now: float, silence: float) -> bool:
        """Return whether no more is to be expected of any worker."""
        unfinished = [p for p in self.pages.values() if not p.final]
        return len(unfinished) == len(self.lost(now, silence))

    def totals(self) -> dict[str, int]:
        """Return the counts of the whole storm so far."""
        pages = self.pages.values()
        return {name: sum(p.seconds[name].total() for p in pages) for name in COUNTS}

    def started_in(self, first: int, end: int) -> int:
        """Return how many journeys began in the seconds [`first`, `end`)."""
        pages = self.pages.values()
        return sum(p.seconds["started"][s] for p in pages for s in range(first, end))

    def record(self, began: float, finished: float, versions: Mapping[str, str]) -> Record:
        """Close the ledger: write off who did not report the end, and return the record.

        `began` and `finished` are Unix seconds; `began` is when the storm's `opens` was.
        """
        pages = list(self.pages.values())
        for page in pages:
            if not page.final:
                page.write_off(self.whole)
        return Record(
            run=self.run,
            began=began,
            finished=finished,
            seconds=_seconds(pages),
            classes=_classes(pages),
            spans=self._spans.whole(),
            dropped=dict(sum((p.dropped for p in pages), Counter[str]())),
            writes=Writes(**sum((p.writes for p in pages), Counter[str]())),
            workers=[_worker(page) for page in pages],
            versions=dict(versions),
        )


def _counted(write: Mapping[str, Any]) -> list[str]:
    """Return what a line of the log of writes counts as."""
    found = ["attempted", write["outcome"]]
    if write["outcome"] == "acknowledged":
        found += ["handins"] * (write["kind"] == "handin") + ["late"] * write["late"]
    return found


def _seconds(pages: list[Page]) -> SecondCounts:
    length = 1 + max((s for p in pages for by in p.seconds.values() for s in by), default=-1)
    sums = {
        name: [sum(p.seconds[name][second] for p in pages) for second in range(length)]
        for name in COUNTS
    }
    return SecondCounts(**sums)


def _classes(pages: list[Page]) -> dict[str, ClassCounts]:
    ok = sum((p.ok for p in pages), Counter[str]())
    failures = sum((p.failures for p in pages), Counter[tuple[str, str]]())
    abandoned = sum((p.abandoned for p in pages), Counter[str]())
    retries = sum((p.retries for p in pages), Counter[str]())
    left_out = sum((p.left_out for p in pages), Counter[str]())
    return {
        name: ClassCounts(
            requests=ok[name]
            + abandoned[name]
            + sum(n for (c, _), n in failures.items() if c == name),
            ok=ok[name],
            failures={cause: n for (c, cause), n in sorted(failures.items()) if c == name},
            abandoned=abandoned[name],
            retries=retries[name],
            left_out=left_out[name],
        )
        for name in sorted({*ok, *abandoned, *retries, *left_out, *(c for c, _ in failures)})
    }


def _worker(page: Page) -> WorkerRecord:
    return WorkerRecord(
        name=page.name,
        first=page.first,
        end=page.end,
        offered=sum(page.due),
        cpu=page.cpu,
        stolen=page.stolen,
        memory_bytes=page.memory_bytes,
        lost=not page.final,
        footprint=page.footprint,
    )
