"""The fleet that a storm needs: workers, source addresses and kernel limits, from its peak.

Nothing here knows a machine. What a journey costs a load generator is measured, see the
constants; the rest is arithmetic on what Linux does with a connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from klokken.errors import InputError
from klokken.storm.attendance import attendance
from klokken.verdict import BUSIEST_CORES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.results import StormPlan

# CPU-seconds of a worker and connections for one journey, with its TLS handshakes: 0.6 ms a
# handshake and 0.3 ms a request (docs/benchmarks/generator.md). An exam is counted up to its
# first document; its saves are spread over hours.
CPU_SECONDS: Mapping[str, float] = {"login": 0.0016, "morning": 0.0045, "exam": 0.0030}
# Without any network, as in a dry run: the least that was measured of a login
# (docs/benchmarks/country.md), and for the others no less in proportion to what they take at a
# site. What may just be given is tried, and judged by what comes of it.
DRY_CPU_SECONDS: Mapping[str, float] = {"login": 0.00038, "morning": 0.0011, "exam": 0.0008}
CONNECTIONS: Mapping[str, int] = {"login": 1, "morning": 3, "exam": 2}
# The share of a core at which a worker is still punctual to 10 ms (docs/benchmarks/country.md).
PLANNED_CORES = 0.5
# Pupils of one worker with a request under way at a time, each in a greenlet.
MOST_BUSY = 8_000
# Linux's ip_local_port_range is 32768 to 60999: so many connections from one address to one port
# of another. Who closes first keeps the port for TIME_WAIT.
PORTS = 28_232
TIME_WAIT_SECONDS = 60.0
# How long netfilter remembers a closed connection, nf_conntrack_tcp_timeout_time_wait.
CONNTRACK_SECONDS = 120.0
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
    connections_per_journey: int
    cpu_seconds_per_journey: float
    held_seconds: float

    def lines(self) -> list[str]:
        """Return the derivation, a line a figure."""
        peak, cpu = self.peak_per_second, self.cpu_seconds_per_journey
        opened = peak * self.connections_per_journey
        held = self.held_seconds
        return [
            (
                f"workers: {self.workers} = {peak:,.1f} journeys/s x {cpu * 1000:.2f} ms CPU at"
                f" {PLANNED_CORES} of a core each, or at most {MOST_BUSY:,} pupils each who stay"
                f" {held:g} s"
            ),
            (
                f"source addresses: {self.source_addresses} = {opened:,.1f} connections/s x"
                f" ({held:g} s open + {TIME_WAIT_SECONDS:g} s TIME_WAIT) / {PORTS:,} ports"
            ),
            (
                f"open files a worker: {self.open_files:,} = {opened:,.1f} connections/s x"
                f" {held:g} s / {self.workers} + {OTHER_FILES}"
            ),
            (
                f"conntrack entries: {self.conntrack:,} = {opened:,.1f} connections/s x"
                f" ({held:g} s + {CONNTRACK_SECONDS:g} s)"
            ),
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
        if workers < _holding(self.peak_per_second, self.held_seconds):
            each = self.peak_per_second * self.held_seconds / workers
            raise InputError(
                "storm",
                "workers",
                f"{workers} would have {each:,.0f} pupils each under way at the peak, when a site"
                f" stalls for {self.held_seconds:g} s, limit {MOST_BUSY:,}",
                self._mend,
            )

    @property
    def _mend(self) -> str:
        return f"give {self.workers} workers, a core each, or a smaller fraction"


def derive(
    peak_per_second: float,
    connections_per_journey: int,
    cpu_seconds_per_journey: float,
    *,
    held_seconds: float,
) -> Fleet:
    """Return what a storm needs in which `peak_per_second` journeys begin a second at most.

    A journey opens so many connections, holds each for `held_seconds` at the longest (as when
    a site stalls and everyone waits), and costs a worker so many seconds of CPU.
    """
    opened = peak_per_second * connections_per_journey
    workers = max(
        1,
        ceil(peak_per_second * cpu_seconds_per_journey / PLANNED_CORES),
        _holding(peak_per_second, held_seconds),
    )
    return Fleet(
        workers=workers,
        source_addresses=max(1, ceil(opened * (held_seconds + TIME_WAIT_SECONDS) / PORTS)),
        open_files=ceil(opened * held_seconds / workers) + OTHER_FILES,
        conntrack=ceil(opened * (held_seconds + CONNTRACK_SECONDS)),
        peak_per_second=peak_per_second,
        connections_per_journey=connections_per_journey,
        cpu_seconds_per_journey=cpu_seconds_per_journey,
        held_seconds=held_seconds,
    )


def _holding(peak_per_second: float, held_seconds: float) -> int:
    """Return how many workers can have all pupils under way who come in `held_seconds`."""
    return ceil(peak_per_second * held_seconds / MOST_BUSY)


def of(plan: StormPlan) -> Fleet:
    """Return what the storm of `plan` needs at its peak, at a site."""
    journey, people = plan.profile.journey, plan.profile.people
    # As when the site stalls: half of all people think no longer than this, and leave by then.
    held = people.think.at(0.5) + people.patience.at(0.5) if people else plan.patience_seconds
    return derive(
        _peak(plan), CONNECTIONS[journey], CPU_SECONDS[journey], held_seconds=round(held, 1)
    )


def of_dry_run(plan: StormPlan) -> Fleet:
    """Return what a dry run of `plan` needs, in which no answer takes longer than another."""
    cost = DRY_CPU_SECONDS[plan.profile.journey]
    return derive(_peak(plan), 0, cost, held_seconds=plan.dry_answer_seconds or 0.0)


def _peak(plan: StormPlan) -> float:
    return attendance(plan, 0, plan.people).peak()
