"""What one worker records while its pupils arrive, and hands over once a second.

Times are seconds since the storm's `opens`. What is handed over is a delta: plain lists and
numbers that any message format carries, which the master adds up. So a worker that dies has
lost only its last second.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from klokken import histogram
from klokken.record import ARRIVAL, LATENESS, SPAN_SECONDS, WAKE
from loadtests.steps import GAVE_UP

if TYPE_CHECKING:
    from collections.abc import Callable

    from hdrh.histogram import HdrHistogram

    from klokken.writes import Write

Delta: TypeAlias = dict[str, Any]

TIMEOUT = "timeout"
# Not a cause of failure: the pupil left.
ABANDONED = "abandoned"
COUNTS = ("offered", "started", "completed", "failed", "abandoned", "dropped")


class Recorder:
    """Counts, histograms and writes of one worker since the last hand-over.

    Whole journeys are recorded as the class `whole`.
    """

    def __init__(self, whole: str = "login") -> None:
        """Begin with nothing recorded."""
        self._whole = whole
        self._spans: dict[tuple[int, str, str], HdrHistogram] = {}
        # Values of the last second, which go into their histograms together.
        self._values: dict[tuple[int, str, str], list[float]] = {}
        self._cpu: list[float] = []
        self._stolen: list[float] = []
        self._memory_bytes = 0
        self._forget_counts()

    def _forget_counts(self) -> None:
        self._seconds: dict[str, Counter[int]] = {name: Counter() for name in COUNTS}
        self._dropped: Counter[str] = Counter()
        self._ok: Counter[str] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._abandoned: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()
        self._left_out: Counter[str] = Counter()
        self._writes: list[dict[str, Any]] = []

    def offered(self, due: float) -> None:
        """Count a pupil who is due now."""
        self._seconds["offered"][int(due)] += 1

    def dropped(self, due: float, cause: str) -> None:
        """Count a pupil who was offered and never begun."""
        self._seconds["dropped"][int(due)] += 1
        self._dropped[cause] += 1

    def started(self, due: float, start: float) -> None:
        """Count a journey that begins at `start`, and how late that is."""
        self._seconds["started"][int(start)] += 1
        self._add(start, ARRIVAL, LATENESS, start - due)

    def woke(self, until: float, now: float) -> None:
        """Record how late a pupil who waited `until` a second goes on `now`."""
        self._add(now, WAKE, LATENESS, now - until)

    def request(
        self, name: str, intended: float, sent: float, end: float, cause: str | None
    ) -> None:
        """Record a request of class `name`, which failed or was ABANDONED as its `cause` says."""
        self._count(name, cause, cause)
        # The last attempt of a request that was given up is a wait, too, where it timed out.
        if _lasted(cause and cause.removeprefix(f"{GAVE_UP}: ")):
            self._add(end, name, "intended", end - intended)
            self._add(end, name, "service", end - sent)

    def retried(self, name: str) -> None:
        """Count a request of class `name` that is sent again."""
        self._retries[name] += 1

    def left_out(self, name: str) -> None:
        """Count a request of class `name` that came due and is never sent."""
        self._left_out[name] += 1

    def wrote(self, write: Write) -> None:
        """Keep a line of the log of writes."""
        self._writes.append(write.model_dump())

    def finished(
        self,
        due: float,
        start: float,
        end: float,
        failure: tuple[str, str] | None,
        thought: float = 0.0,
    ) -> None:
        """Record a whole journey, of whose seconds the pupil `thought` so many.

        `failure` is the request class at which it ended without what the pupil came for, and
        the cause, ABANDONED where the pupil left.
        """
        cause = failure[1] if failure else None
        column = {None: "completed", ABANDONED: "abandoned"}.get(cause, "failed")
        self._seconds[column][int(end)] += 1
        self._count(self._whole, cause, ": ".join(failure) if failure else None)
        # A whole exam is no wait, and would only fill the histogram's end.
        if self._whole != "exam" and _lasted(cause):
            self._add(end, self._whole, "intended", end - due - thought)
            self._add(end, self._whole, "service", end - start - thought)
        if thought:
            self._add(end, self._whole, "think", thought)

    def used(self, cores: float, memory_bytes: int, *, stolen: float) -> None:
        """Record the CPU of the time since the last call, in cores, and the memory.

        That is what this process used, and what others took from its machine.
        """
        self._cpu.append(cores)
        self._stolen.append(stolen)
        self._memory_bytes = max(self._memory_bytes, memory_bytes)

    def take(
        self, now: float, *, final: bool = False, rest: Callable[[], object] | None = None
    ) -> Delta:
        """Return what was recorded since the last call, and forget it.

        Histograms are handed over once their span has passed, or when this is the `final` call.
        To encode one takes a millisecond; after each `rest` lets those go on who are due. Where
        it raises, nothing is forgotten.
        """
        self._fill()
        passed = [k for k in self._spans if final or k[0] + SPAN_SECONDS <= now - 1]
        spans = []
        for key in passed:
            spans.append([*key, histogram.encoded(self._spans[key])])
            if rest is not None:
                rest()
        for key in passed:
            del self._spans[key]
        delta: Delta = {
            "seconds": {name: list(by.items()) for name, by in self._seconds.items()},
            "dropped": list(self._dropped.items()),
            "ok": list(self._ok.items()),
            "failures": [[*key, count] for key, count in self._failures.items()],
            "abandoned": list(self._abandoned.items()),
            "retries": list(self._retries.items()),
            "left_out": list(self._left_out.items()),
            "writes": self._writes,
            "spans": spans,
            "cpu": self._cpu,
            "stolen": self._stolen,
            "memory_bytes": self._memory_bytes,
            "final": final,
        }
        self._cpu = []
        self._stolen = []
        self._forget_counts()
        return delta

    def _count(self, name: str, cause: str | None, told: str | None) -> None:
        if cause is None or told is None:
            self._ok[name] += 1
        elif cause == ABANDONED:
            self._abandoned[name] += 1
        else:
            self._failures[name, told] += 1

    def _add(self, at: float, name: str, kind: str, seconds: float) -> None:
        key = (int(at) // SPAN_SECONDS * SPAN_SECONDS, name, kind)
        values = self._values.get(key)
        if values is None:
            values = self._values[key] = []
        values.append(seconds)

    def _fill(self) -> None:
        """Put the values kept since the last call into their histograms."""
        for key, values in self._values.items():
            if key not in self._spans:
                self._spans[key] = histogram.empty()
            histogram.add_all(self._spans[key], values)
        self._values.clear()


def _lasted(cause: str | None) -> bool:
    """Return whether the time until an end of this `cause` was a wait.

    A quick failure must not make a percentile look better, so it is only counted. Who gave up
    waiting has waited at least so long, and that is recorded.
    """
    return cause in {None, TIMEOUT, ABANDONED}
