"""From what a whole journey costs to what each of its requests does, as `demands.yaml` has it.

Storms ring whole journeys, so that only their sum can be told from them. It is shared out: at
the identity tier, which does most of the work, by how long each request took when hardly anybody
was there; elsewhere as the demands that were known before have it, handshakes included. The
sums are measured; how they are shared is not, and the file says so. What the clock of an exam
begins is told apart, and shared out in the same way where that is more than one request. Nor is
measured by how much work grows with accounts, which a site of one size cannot tell.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from klokken.capacity.demands import EXAM, Demands
from klokken.capacity.measure.analysis import UnfitError
from klokken.capacity.measure.errands import errands
from klokken.capacity.measure.schedule import COLD, WARM
from klokken.capacity.measure.warmth import JOURNEY
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from klokken.capacity.measure.accounts import Accounts
    from klokken.capacity.measure.errands import Errand
    from klokken.capacity.measure.estimate import Estimate, Warmth
    from klokken.capacity.measure.schedule import Plan
    from klokken.capacity.measure.steps import Step

_DIGITS = 7
# Requests whose shares at a tier are those of their times.
BY_TIME = (Tier.IDENTITY,)


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says of its figures: where they are from, of how many storms, from what."""

    source: str
    runs: int
    shares: str


def near_idle(steps: Iterable[Step]) -> dict[str, float]:
    """Return how long each request took at the lowest rate that was rung, in seconds."""
    every = [step for step in steps if not step.windows]
    least = min((step.rate for step in every), default=0.0)
    slow = [step for step in every if step.rate == least]
    names = {name for step in slow for name in step.service}
    return {name: median(s.service[name].p50 for s in slow if name in s.service) for name in names}


class Shares:
    """Shares the cost of errands out, one after the other, over the requests of `base`."""

    def __init__(
        self, base: Demands, times: Mapping[str, float], told: Told, accounts: Accounts
    ) -> None:
        """Begin with all as it was known before."""
        self.base, self.times, self.told, self.accounts = base, times, told, accounts
        self.body: dict[str, Any] = base.model_dump(mode="json", exclude_unset=True)
        self.known: set[tuple[str, Tier]] = set()
        self.connection_known = False

    def share(self, name: str, costs: Mapping[Tier, Estimate]) -> None:
        """Share what an errand costs each tier out over those of its requests still unknown.

        Raises UnfitError where what is known already is more than the whole.
        """
        errand = errands(self.base)[name]
        for tier in self.base.journeys[errand.journey].tiers:
            if tier in costs and tier in errand.tiers:
                self._share(errand, tier, costs[tier])

    def _share(self, errand: Errand, tier: Tier, cost: Estimate) -> None:
        there = [request.name for request in errand.requests if tier in request.path]
        connects = errand.connects if tier is Tier.EDGE else 0
        known = sum(self._now(request, tier) for request in there if (request, tier) in self.known)
        # By how much work grows with accounts cannot be told from one number of them. It stays as
        # it was, and what it comes to at this site is no part of what is shared out.
        journey = errand.journey
        known += sum(self.accounts.growth(self.base, journey, request, tier) for request in there)
        if self.connection_known:
            known += connects * self.body["connection"]["value"]
        unknown = [request for request in there if (request, tier) not in self.known]
        if not unknown:
            return
        left = {at: getattr(cost, at) - known for at in ("low", "value", "high")}
        if left["value"] <= 0:
            raise UnfitError(
                f"{tier}: {errand.name} costs {cost.value * 1000:.1f} ms, and"
                f" {known * 1000:.1f} ms of it are known from requests it has in common with"
                " others, or from `each_account`; the rest would be negative; measure again, or"
                " correct --demands"
            )
        weights = {request: self._weight(request, tier) for request in unknown}
        total = sum(weights.values())
        if connects and not self.connection_known:
            total += connects * self.base.connection.value
            self.body["connection"] = self._work(
                self.body["connection"], left, self.base.connection.value / total, errand
            )
            self.connection_known = True
        for request, weight in weights.items():
            works = self.body["work"][request]
            works[tier] = self._work(works[tier], left, weight / total, errand)
            self.known.add((request, tier))

    def _weight(self, request: str, tier: Tier) -> float:
        if tier in BY_TIME and request in self.times:
            return self.times[request]
        return self.base.work[request][tier].value

    def _now(self, request: str, tier: Tier) -> float:
        return float(self.body["work"][request][tier]["value"])

    def _work(
        self, before: Mapping[str, Any], whole: Mapping[str, float], share: float, errand: Errand
    ) -> Any:
        kept = {name: before[name] for name in ("variation", "each_account") if name in before}
        figures = {at: round(max(0.0, value) * share, _DIGITS) for at, value in whole.items()}
        how = self.told.shares if len(errand.requests) > 1 else ""
        if errand.journey == EXAM:
            how = f"Told apart from what else is done in an exam. {how}"
        grounds = {"source": f"{self.told.source} {how}".rstrip(), "runs": self.told.runs}
        return {**kept, **figures, **grounds}


def demands(  # noqa: PLR0913 - what a file is made of, all named
    base: Demands,
    costs: Mapping[str, Mapping[Tier, Estimate]],
    times: Mapping[str, float],
    warmths: Sequence[Warmth],
    *,
    name: str,
    told: Told,
    accounts: Accounts,
    others: Mapping[Tier, Mapping[str, Any]] | None = None,
) -> Demands:
    """Return `base` with what was measured of its journeys in place of what it had.

    `others` are what tiers take beside cores, as far as that was measured.
    """
    shares = Shares(base, times, told, accounts)
    for journey, by_tier in costs.items():
        shares.share(journey, by_tier)
    warm = {
        each.tier: {
            phase: {
                **{
                    at: round(getattr(found.factor, at), _DIGITS) for at in ("value", "low", "high")
                },
                "visits": _visits(base, each.tier, logins, accounts.plan),
                "runs": len(found.by_start),
                "source": told.source,
            }
            for phase, found, logins in (
                ("cold", each.cold, COLD),
                ("warming", each.warming, WARM - COLD),
            )
        }
        for each in warmths
    }
    body = shares.body
    known = body.get("resources", {})
    resources = {
        **known,
        **{tier: {**known.get(tier, {}), **own} for tier, own in (others or {}).items() if own},
    }
    return Demands.model_validate(
        {
            **body,
            "name": name,
            "warmth": {**body.get("warmth", {}), **warm},
            "resources": resources,
            "held_out": [],
        }
    )


def _visits(base: Demands, tier: Tier, logins: int, plan: Plan) -> int:
    """Return how many requests of so many logins came to each of a tier's hosts."""
    each = sum(tier in request.path for request in base.journeys[JOURNEY].requests)
    return round(logins * each / plan.nodes.get(tier, 1))
