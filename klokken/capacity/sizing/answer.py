"""The answer of a sizing: hosts, what bound them, what they cost, and how that was proven."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any, Literal

from klokken.capacity.demands import EXAM, Prediction
from klokken.capacity.money import MONTHS, dkk
from klokken.capacity.simulation import Minute, Missed
from klokken.capacity.sizing.search import SINGLES
from klokken.document import Document
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.pricelist import PriceList
    from klokken.capacity.sizing.fit import Fit
    from klokken.capacity.sizing.proof import Proof
    from klokken.capacity.sizing.proof import Takeover as Played
    from klokken.capacity.sizing.search import Plan

# What there is, DKK a year, to run the platform for all 98 kommuner.
BUDGET_DKK_YEAR = 21_000_000.0
# What the kommuner pay for licences today, DKK a year, at least and at most.
LICENCES_DKK_YEAR = (66_000_000.0, 115_000_000.0)


class TierAnswer(Document):
    """One tier of one site. `used` is the share of each thing that a host uses with one down."""

    tier: Tier
    kind: str
    hosts: int
    may_be_down: int
    cores_a_host: int
    memory_gb: float
    volume_gb: int
    volumes: int
    bound: str
    used: dict[str, float]
    month_eur: float


class Cost(Document):
    """What the platform costs: hosts, storage and traffic, and no staff but of own servers."""

    month_eur: float
    month_dkk: float
    year_dkk: float
    pupil_month_eur: float
    pupil_month_dkk: float
    share_of_budget: float


class Offer(Document):
    """A provider's cheapest plan, or why it has none; `assumed` are prices without a source."""

    provider: str
    title: str
    dated: date
    assumed: bool
    sites: int = 0
    hosts: int = 0
    cost: Cost | None = None
    why_not: str = ""


class Morning(Document):
    """A morning of one site at the exact level, with a host of the tier `down` missing."""

    down: Tier | None
    offered: int
    completed: int
    minutes: list[Minute]
    missed: list[Missed]
    result_hash: str

    def slowest(self, journey: str) -> float:
        """Return the p99 of the slowest minute of a journey, in seconds.

        A whole exam is no wait: the slowest of its requests stands for it.
        """
        return max(
            served.p99
            for minute in self.minutes
            for name, served in minute.classes.items()
            if journey in {name, EXAM}
        )


class Takeover(Document):
    """A morning of one site in whose busiest minute a host of a tier died, at the exact level.

    It died `died_seconds` after the morning opened, and one that stood by had taken over
    `takeover_seconds` later.
    """

    tier: Tier
    died_seconds: float
    takeover_seconds: float
    morning: Morning


class Sizing(Document):
    """How large a platform a profile needs. It is SIMULATED: as good as its demands.

    The first minute of its mornings is that in which the profile `opens`.
    `unvisited` are tiers that the journey asks nothing of, `unsaid` those of which the demands do
    not say what they take beside cores. `held_out` is how well the demands predicted storms that
    they were not fitted to, and empty where nobody tried.
    """

    schema_version: int = 1
    kind: Literal["SIMULATED"] = "SIMULATED"
    profile: str
    journey: str
    pupils: int
    opens: time
    demands: str
    bound: str
    seed: int
    made: datetime
    headroom: float
    headroom_asked: float
    cell: int
    provider: str
    title: str
    sites: int
    pupils_a_site: int
    tiers: list[TierAnswer]
    single: str
    single_month_eur: float
    balancers: int
    extras_month_eur: dict[str, float]
    cost: Cost
    offers: list[Offer]
    mornings: list[Morning]
    takeovers: list[Takeover]
    unvisited: list[Tier]
    unsaid: list[Tier]
    held_out: list[Prediction]

    @property
    def hosts(self) -> int:
        """All hosts of all sites."""
        return self.sites * (sum(tier.hosts for tier in self.tiers) + SINGLES)


def cost(month_eur: float, pupils: int) -> Cost:
    """Return what `month_eur` is for so many pupils."""
    year_dkk = dkk(month_eur) * MONTHS
    return Cost(
        month_eur=round(month_eur, 2),
        month_dkk=round(dkk(month_eur), 2),
        year_dkk=round(year_dkk, 2),
        pupil_month_eur=round(month_eur / pupils, 4),
        pupil_month_dkk=round(dkk(month_eur) / pupils, 4),
        share_of_budget=round(year_dkk / BUDGET_DKK_YEAR, 4),
    )


def tier_answer(fit: Fit) -> TierAnswer:
    """Return what a fit says of its tier."""
    return TierAnswer(
        tier=fit.tier,
        kind=fit.kind,
        hosts=fit.hosts,
        may_be_down=fit.hosts - fit.up,
        cores_a_host=fit.cores,
        memory_gb=fit.memory_gb,
        volume_gb=fit.volume_gb,
        volumes=fit.volumes,
        bound=fit.bound,
        used={name: round(share, 4) for name, share in fit.used.items()},
        month_eur=round(fit.month_eur, 2),
    )


def offer(prices: PriceList, plan: Plan | str, pupils: int) -> Offer:
    """Return what a provider can do, or why it cannot."""
    listed: dict[str, Any] = {
        "provider": prices.provider,
        "title": prices.title,
        "dated": prices.dated,
        "assumed": prices.depreciation is not None,
    }
    if isinstance(plan, str):
        return Offer(**listed, why_not=plan)
    return Offer(
        **listed,
        sites=plan.sites,
        hosts=plan.sites * plan.hosts,
        cost=cost(plan.month_eur, pupils),
    )


def morning(proof: Proof) -> Morning:
    """Return what a proof says of its morning."""
    return Morning(
        down=proof.down,
        offered=proof.offered,
        completed=proof.completed,
        minutes=proof.minutes,
        missed=proof.missed,
        result_hash=proof.result_hash,
    )


def takeover(played: Played) -> Takeover:
    """Return what is told of a takeover."""
    return Takeover(
        tier=played.tier,
        died_seconds=played.died,
        takeover_seconds=played.seconds,
        morning=morning(played.proof),
    )
