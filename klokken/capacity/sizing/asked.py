"""What a site is asked for in its busiest minute, tier by tier, at the ends of all intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.demands import VISITED
from klokken.capacity.engine import column
from klokken.capacity.fluid import flow, paths
from klokken.capacity.model import model
from klokken.capacity.morning import MINUTE_SECONDS, pupils_of
from klokken.capacity.resources import Resources
from klokken.capacity.sitting import PAPER, coming
from klokken.errors import InputError
from klokken.topology import Tier

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.demands import Demands, Journey
    from klokken.capacity.platform import Platform
    from klokken.capacity.ranged import Ranged
    from klokken.capacity.resources import Quantity
    from klokken.curve import Floats
    from klokken.profile import Profile

# The unlucky end of each interval; a JIT-compiled tier's is that of an unlucky start.
BOUND = "high"
# A figure of which no more is known than this factor is no ground for buying hosts.
WIDEST = 3.0


@dataclass(frozen=True, slots=True)
class TierAsked:
    """What one tier is asked for; `pupils` are those of the site, and so is all else.

    `load` is work by second, in cores; `cores` the mean of it over the busiest 60 s, or as many
    as an exam's strictest service level has; `visits` requests a second over 60 s.
    `cores_an_account` come on top of `cores` for each account that a host of the tier has,
    `paper_kb` a second of an exam's papers on top of what visits send.
    """

    load: Floats
    cores: float
    cores_an_account: float
    visits: float
    connections: float
    pupils: int
    resources: Resources
    paper_kb: float = 0.0

    def of(self, name: str) -> float:
        """Return the resource of this name at its upper end, 0 where it is not said."""
        found: Quantity | None = getattr(self.resources, name)
        return found.at(BOUND) if found else 0.0

    def waiting(self, wait: float) -> TierAsked:
        """Return what is asked for where pupils may be made to wait for so many seconds."""
        fewest = fewest_cores(self.load, self.cores, wait)
        # Work that comes with accounts comes when all other work does.
        part = fewest / self.cores if self.cores else 1.0
        return replace(self, cores=fewest, cores_an_account=part * self.cores_an_account)

    @property
    def data_gb(self) -> float:
        """What is kept of all pupils."""
        return self.of("pupil_mb") * self.pupils / 1000

    @property
    def mbit(self) -> float:
        """What is sent a second."""
        return (self.visits * self.of("visit_kb") + self.paper_kb) * 8 / 1000


@dataclass(frozen=True, slots=True)
class SiteAsked:
    """What a site of so many pupils is asked for; `schools` counts people by school.

    `alone` is what the whole journey takes where nobody else is there, in seconds; `sent_tb` what
    leaves the site in one morning.
    """

    pupils: int
    schools: Floats
    tiers: dict[Tier, TierAsked]
    alone: float
    sent_tb: float

    @property
    def accounts(self) -> float:
        """Pupils and teachers."""
        return float(self.schools.sum())

    def largest_share(self, cells: int) -> float:
        """Return the share of all people whose schools are in the largest of so many cells."""
        by_cell = np.bincount(np.arange(len(self.schools)) % cells, weights=self.schools)
        return float(by_cell.max() / by_cell.sum())


def site_asked(
    profile: Profile, demands: Demands, platform: Platform, fraction: float, seed: int
) -> SiteAsked:
    """Return what `fraction` of the pupils of a profile ask of a site.

    `platform` gives the distances between tiers. The fluid level has all requests of a pupil in
    the second in which it comes: who thinks meanwhile makes the peak a little flatter.
    """
    journey = demands.journeys[profile.journey]
    morning = coming(profile, journey, seed, fraction)
    built = model(_flat(demands), journey, platform, morning, seed=seed, accounts=0, bound=BOUND)
    window = _window(profile)
    sent = morning.by_request(journey.begins).astype(float)
    flowing = flow(built, sent)
    connects = built.requests[:, column.CONNECTS] @ sent
    pupils = pupils_of(profile, fraction)
    there = [tier for tier in VISITED if tier in platform.tiers]
    tiers = {}
    for tier in journey.tiers:
        resources = demands.resources.get(tier, Resources())
        number = there.index(tier)
        visited = np.array([number in path for path in paths(built)])
        open_for = resources.connection_seconds
        held = open_for.at(BOUND) if open_for else 0.0
        tiers[tier] = TierAsked(
            load=flowing.load[number],
            cores=busiest(flowing.load[number], window),
            cores_an_account=busiest(_growth(demands, journey, tier) @ sent, window),
            visits=busiest(visited @ sent, MINUTE_SECONDS),
            # All who came in the time for which a connection stays; an exam's saves keep it open.
            connections=max(busiest(connects, held) * held, pupils if profile.exam and held else 0),
            pupils=pupils,
            resources=resources,
            paper_kb=busiest(_paper(profile, journey, tier) @ sent, _patience(profile, PAPER)),
        )
    edge = tiers[Tier.EDGE]
    papers = float((_paper(profile, journey, Tier.EDGE) @ sent).sum())
    return SiteAsked(
        pupils=pupils,
        schools=np.bincount(morning.schools[morning.comes]).astype(float),
        tiers=tiers,
        alone=float(flowing.alone.sum()),
        sent_tb=(sent.sum() * edge.of("visit_kb") + papers) / 1e9,
    )


def _window(profile: Profile) -> float:
    """Return over how many seconds the busiest stretch lasts.

    A minute; at an exam, whose clock rings for all at once, as long as anybody may have to wait.
    """
    if not profile.exam:
        return MINUTE_SECONDS
    return min(_patience(profile, name) for name in profile.slo)


def _patience(profile: Profile, name: str) -> float:
    """Return how long a request may take by the profile's service levels, a minute at most."""
    slo = profile.slo.get(name)
    limit = slo.p99_seconds.value if slo and slo.p99_seconds else MINUTE_SECONDS
    return min(limit, MINUTE_SECONDS)


def _flat(demands: Demands) -> Demands:
    """Return demands that do not grow with accounts, whose number is not known yet."""
    work = {
        request: {
            tier: figure.model_copy(update={"each_account": None}) for tier, figure in there.items()
        }
        for request, there in demands.work.items()
    }
    return demands.model_copy(update={"work": work})


def _growth(demands: Demands, journey: Journey, tier: Tier) -> Floats:
    """Return by how many seconds each request's work at a tier grows with each account."""
    there = (demands.work[r.name][tier] if tier in r.path else None for r in journey.requests)
    return np.array(
        [work.each_account.at(BOUND) if work and work.each_account else 0.0 for work in there]
    )


def _paper(profile: Profile, journey: Journey, tier: Tier) -> Floats:
    """Return the kB of an exam's paper that each request takes through a tier."""
    size = profile.exam.paper_bytes.value / 1000 if profile.exam else 0.0
    return np.array([size * (r.name == PAPER and tier in r.path) for r in journey.requests])


def busiest(by_second: Floats, length: float) -> float:
    """Return the mean over the busiest `length` seconds on end, whole seconds, of a series."""
    window = min(max(1, int(np.ceil(length))), len(by_second))
    total = np.concatenate([[0.0], np.cumsum(by_second)])
    return float((total[window:] - total[:-window]).max() / window)


def waits(load: Floats, cores: float) -> Floats:
    """Return how many seconds who comes each second waits for so many cores, as a fluid."""
    found = np.zeros(len(load))
    left = 0.0
    for second, work in enumerate(load):
        left = max(0.0, left + work - cores)
        found[second] = left / cores
    return found


def fewest_cores(load: Floats, enough: float, wait: float) -> float:
    """Return the fewest cores, at most `enough`, with which nobody waits longer than `wait`."""
    low, high = 0.0, enough
    while high - low > enough / 1000:
        middle = (low + high) / 2
        if middle and waits(load, middle).max() <= wait:
            high = middle
        else:
            low = middle
    return high


def check_predictions(demands: Demands, source: Path) -> None:
    """Raise InputError where demands predicted badly what was measured without them."""
    for one in demands.held_out:
        if not one.kept:
            raise InputError(
                source,
                "held_out",
                f"{one.what} of {one.storm} was predicted {100 * one.error:+.0f} % off,"
                f" limit {100 * one.limit:.0f} %",
                "measure again, with less else on the machine or a lower --most",
            )


def check_widths(demands: Demands, journey: Journey, source: Path) -> None:
    """Raise InputError where a figure that sizing would use is known too poorly."""
    used: dict[str, Ranged[float]] = {"connection": demands.connection}
    for request in journey.requests:
        for tier in request.path:
            work = demands.work[request.name][tier]
            used[f"work.{request.name}.{tier}"] = work
            if work.each_account:
                used[f"work.{request.name}.{tier}.each_account"] = work.each_account
    for tier, resources in demands.resources.items():
        for name, figure in resources:
            if hasattr(figure, "high"):
                used[f"resources.{tier}.{name}"] = figure
    for field, figure in used.items():
        if figure.high > WIDEST * figure.value:
            raise InputError(
                source,
                field,
                f"is up to {figure.high:g} where {figure.value:g} is likely, too wide to size from",
                f"measure it until `high` is at most {WIDEST:g} times `value`",
            )
