"""What was measured, as it is kept beside the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.facts import Measured
from klokken.document import Document
from klokken.results import Footprint, Latency, Seconds, Whole

if TYPE_CHECKING:
    from klokken.results import Results


class Run(Document):
    """One dry run: what it asked of its workers, and what they needed for it.

    `rate` is that of the arrivals, in journeys a second; `cores` what all workers used on
    average over that time.
    """

    what: str
    workers: Whole
    offered: Whole
    started: Whole
    rate: Seconds
    cores: Seconds
    lateness: Latency
    footprint: Footprint
    memory_bytes: Whole
    invalid_because: list[str]

    @classmethod
    def of(cls, what: str, results: Results, seconds: float) -> Run:
        """Return the figures of a dry run whose pupils arrived over so many `seconds`."""
        generator = results.generator
        return cls(
            what=what,
            workers=generator.workers,
            offered=results.offered,
            started=results.started_journeys,
            rate=results.started_journeys / seconds,
            cores=generator.footprint.cpu_seconds / seconds,
            lateness=generator.lateness,
            footprint=generator.footprint,
            memory_bytes=generator.memory_bytes,
            invalid_because=results.invalid_because,
        )

    @property
    def cpu_milliseconds(self) -> float:
        """The CPU of one journey, in milliseconds."""
        return 1000 * self.footprint.cpu_seconds / max(1, self.started)

    @property
    def share(self) -> float:
        """What one worker used, in cores."""
        return self.cores / max(1, self.workers)


class Waiting(Document):
    """The memory of pupils who wait inside a journey, in bytes each."""

    journey: str
    parked: Seconds
    with_greenlet: Seconds


class Country(Measured):
    """The whole benchmark; `fleet_workers` are as many as the storm takes at a site."""

    answer_seconds: Seconds
    profile: str
    pupils: Whole
    fleet_workers: Whole
    schedule: Run
    peak: Run
    steps: list[Run]
    waiting: list[Waiting]
