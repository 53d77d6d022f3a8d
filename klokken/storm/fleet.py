"""The fleet that a storm needs: workers, addresses and limits, from its peak and its crowd.

Nothing here knows a machine. What a journey costs a load generator is measured, see the
constants; the rest is arithmetic on what Linux does with a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from klokken.errors import InputError
from klokken.storm import crowd as crowds
from klokken.storm.attendance import attendance
from klokken.storm.crowd import CONNTRACK_SECONDS, TIME_WAIT_SECONDS
from klokken.verdict import BUSIEST_CORES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.results import StormPlan
    from klokken.storm.crowd import Crowd

# CPU-seconds of a load generator for one journey at half a core, with its TLS handshakes: 1.0 ms a
# handshake and 0.5 ms a request. That is of the slower of two machines, on which half a core bore
# 200 logins a second; on the one of docs/benchmarks/generator.md it bore 277. An exam is counted up
# to its first document; its saves are spread over hours.
CPU_SECONDS: Mapping[str, float] = {"login": 0.0025, "morning": 0.0075, "exam": 0.0050}
# Without any network, as in a dry run: the least that was measured of a login on any machine (0.6
# ms on that of docs/benchmarks/country.md), and for the others no less in proportion to what they
# take at a site. What may just be given is tried, and judged by what comes of it.
DRY_CPU_SECONDS: Mapping[str, float] = {"login": 0.00038, "morning": 0.0011, "exam": 0.0008}
# The share of a core that a worker is to use at the peak: well below the one at which a storm is
# INVALID, so that there is room for a busier second. How punctual a worker is at which share is in
# docs/benchmarks/generator.md, with TLS, and docs/benchmarks/country.md, without a network.
PLANNED_CORES = 0.5
# Pupils of one worker with a request under way at a time, each in a greenlet.
MOST_BUSY = 8_000
# Linux's ip_local_port_range is 32768 to 60999: so many connections from one address to one port
# of another.
PORTS = 28_232
# Files a worker has open beside its pupils' connections: libraries, logs, its master.
OTHER_FILES = 200


@dataclass(frozen=True, slots=True)
class Fleet:
    """What a storm needs: `open_files` a worker, `conntrack` entries and addresses in all.

    The rest is what it follows from, as given to `derive`.
    """

    workers: int
    source_addresses: int
    open_files: int
    conntrack: int
    peak_per_second: float
    cpu_seconds_per_journey: float
    crowd: Crowd

    def lines(self) -> list[str]:
        """Return the derivation, a line a figure."""
        peak, cpu, crowd = self.peak_per_second, self.cpu_seconds_per_journey, self.crowd
        opened, closed = f"{ceil(crowd.connections):,} open", f"{crowd.closed_per_second:,.1f}/s x"
        return [
            (
                f"workers: {self.workers} = {peak:,.1f} journeys/s x {cpu * 1000:.2f} ms CPU at"
                f" {PLANNED_CORES} of a core each, or {ceil(crowd.pupils):,} pupils at once, at"
                f" most {MOST_BUSY:,} each"
            ),
            *crowd.lines(),
            (
                f"source addresses: {self.source_addresses} = ({opened} + {closed}"
                f" {TIME_WAIT_SECONDS:g} s TIME_WAIT) / {PORTS:,} ports"
            ),
            f"open files a worker: {self.open_files:,} = {opened} / {self.workers} + {OTHER_FILES}",
            f"conntrack entries: {self.conntrack:,} = {opened} + {closed} {CONNTRACK_SECONDS:g} s",
        ]

    def check(self, workers: int) -> None:
        """Raise InputError where so many workers cannot give the rate, or hold who is under way."""
        used = self.peak_per_second * self.cpu_seconds_per_journey / workers
        if used > BUSIEST_CORES:
            raise InputError(
                "storm",
                "workers",
                f"{workers} would use {used:.2f} of a core each at {self.peak_per_second:,.0f}"
                f" journeys/s, limit {BUSIEST_CORES}",
                self._mend,
            )
        if workers < _holding(self.crowd):
            raise InputError(
                "storm",
                "workers",
                f"{workers} would have {self.crowd.pupils / workers:,.0f} pupils each under way"
                f" at once when the site stalls, limit {MOST_BUSY:,}",
                self._mend,
            )

    @property
    def _mend(self) -> str:
        return f"give {self.workers} workers, a core each, or a smaller fraction"


def derive(peak_per_second: float, cpu_seconds_per_journey: float, crowd: Crowd) -> Fleet:
    """Return what a storm needs in which `peak_per_second` journeys begin a second at most.

    Each costs a worker so many seconds of CPU, and `crowd` is under way at once at the worst.
    """
    by_rate = ceil(peak_per_second * cpu_seconds_per_journey / PLANNED_CORES)
    workers = max(1, by_rate, _holding(crowd))
    return Fleet(
        workers=workers,
        source_addresses=max(1, ceil(crowd.ports / PORTS)),
        open_files=ceil(crowd.connections / workers) + OTHER_FILES,
        conntrack=ceil(crowd.conntrack),
        peak_per_second=peak_per_second,
        cpu_seconds_per_journey=cpu_seconds_per_journey,
        crowd=crowd,
    )


def _holding(crowd: Crowd) -> int:
    """Return how many workers can have all of them under way."""
    return ceil(crowd.pupils / MOST_BUSY)


def of(plan: StormPlan) -> Fleet:
    """Return what the storm of `plan` needs at its peak, at a site."""
    peak = _peak(plan)
    return derive(peak, CPU_SECONDS[plan.profile.journey], crowds.of(plan, peak))


def of_dry_run(plan: StormPlan) -> Fleet:
    """Return what a dry run of `plan` needs."""
    peak = _peak(plan)
    return derive(peak, DRY_CPU_SECONDS[plan.profile.journey], crowds.of_dry_run(plan, peak))


def _peak(plan: StormPlan) -> float:
    return attendance(plan, 0, plan.people).peak()
