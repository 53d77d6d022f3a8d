"""The crowd of a storm at its worst: who is under way at once, and on how many connections.

Its worst is a site that stalls, and lets everybody wait who is there. Nothing here knows a
machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.results import StormPlan

# Origins that a journey talks to, each on a connection of its own, and how often one thinks on it
# (a teacher once more than a pupil). An exam is sat, not come through; see `_sitting`.
CONNECTIONS: Mapping[str, int] = {"login": 1, "morning": 3}
THOUGHTS: Mapping[str, int] = {"login": 1, "morning": 5}
# Who closes first keeps the port for TIME_WAIT.
TIME_WAIT_SECONDS = 60.0
# How long netfilter remembers a closed connection, nf_conntrack_tcp_timeout_time_wait.
CONNTRACK_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """So many `pupils` under way at once, with so many `connections` open.

    Others are closed each second, and still take room for a while. `how` says what each of the
    three follows from.
    """

    pupils: float
    connections: float
    closed_per_second: float
    how: tuple[str, str, str]

    @property
    def ports(self) -> float:
        """Ports that are taken at once."""
        return self.connections + self.closed_per_second * TIME_WAIT_SECONDS

    @property
    def conntrack(self) -> float:
        """Connections that netfilter remembers at once."""
        return self.connections + self.closed_per_second * CONNTRACK_SECONDS

    def lines(self) -> list[str]:
        """Return the derivation, a line a figure."""
        pupils, connections, closed = self.how
        return [
            f"pupils at once: {ceil(self.pupils):,} = {pupils}",
            f"connections open: {ceil(self.connections):,} = {connections}",
            f"connections closed a second: {self.closed_per_second:,.1f} = {closed}",
        ]


def of(plan: StormPlan, peak_per_second: float) -> Crowd:
    """Return the crowd of a storm in which so many journeys begin a second at most."""
    exam = plan.profile.exam is not None
    return _sitting(plan, peak_per_second) if exam else _coming(plan, peak_per_second)


def of_dry_run(plan: StormPlan, peak_per_second: float) -> Crowd:
    """Return that of a dry run, in which no answer takes longer than another."""
    held = plan.dry_answer_seconds or 0.0
    none = "nothing is sent"
    how = (f"{peak_per_second:,.1f} journeys/s x {held:g} s", none, none)
    return Crowd(peak_per_second * held, 0.0, 0.0, how)


def _coming(plan: StormPlan, peak: float) -> Crowd:
    """Return who has come and not gone: half of all people think no longer, and leave by then."""
    journey, people = plan.profile.journey, plan.profile.people
    each, thoughts, think, attempts = CONNECTIONS[journey], 0, 0.0, 1
    patience = plan.patience_seconds
    if people:
        thoughts, think = THOUGHTS[journey], people.think.at(0.5)
        patience, again = people.patience.at(0.5), people.again
        # Each attempt but the last has its time-out, and the next one another connection.
        attempts = min(again.attempts.value, ceil(patience / again.timeout_seconds.value))
    pupils = peak * (thoughts * think + patience)
    stays = f"({thoughts} x {think:.1f} s of thought + {patience:.1f} s of patience)"
    how = (
        f"{peak:,.1f} journeys/s x {stays if thoughts else f'{patience:g} s of patience'}",
        f"{ceil(pupils):,} pupils x {each}",
        f"{peak:,.1f} journeys/s x {each} x {attempts}, the attempts within their patience",
    )
    return Crowd(pupils, pupils * each, peak * each * attempts, how)


def _sitting(plan: StormPlan, peak: float) -> Crowd:
    """Return all candidates, who keep the drive's connection from the login to the hand-in."""
    pupils, limit = plan.offered, plan.retries.timeout_seconds
    signing_in = min(float(pupils), peak * plan.patience_seconds)
    how = (
        "everybody who sits the exam",
        (
            f"{pupils:,} to the drive + {ceil(signing_in):,} to the login, of who signs in"
            f" ({peak:,.1f}/s, {plan.patience_seconds:g} s)"
        ),
        f"{peak:,.1f} logins/s + {pupils:,} pupils / {limit:g} s, after which each tries again",
    )
    return Crowd(pupils, pupils + signing_in, peak + pupils / limit, how)
