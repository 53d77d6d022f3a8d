"""The whole of a measurement: what was found, from what, and how well it predicts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Literal

from klokken.capacity.demands import EXAM
from klokken.capacity.measure import fit
from klokken.capacity.measure.accounts import Accounts
from klokken.capacity.measure.analysis import apart, check, split, tier_fits, told
from klokken.capacity.measure.endurance import knee, may_be_down
from klokken.capacity.measure.errands import errands, of
from klokken.capacity.measure.estimate import Estimate, HeldOut, Resource, TierFit, Warmth
from klokken.capacity.measure.holdout import held_out, unexplained
from klokken.capacity.measure.knee import highest
from klokken.capacity.measure.likeness import Costs, Setting, at_bound
from klokken.capacity.measure.resources import resources
from klokken.capacity.measure.schedule import COLD, WARM, Plan
from klokken.capacity.measure.sharing import BY_TIME, Told, demands, near_idle
from klokken.capacity.measure.steps import Rates, Start, Step
from klokken.capacity.measure.visits import visits
from klokken.capacity.measure.warmth import warmth
from klokken.document import Document
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.steps import Steps
    from klokken.capacity.platform import Platform


class Bootstrap(Document):
    """How the intervals were made."""

    method: str = "expanded percentile interval over steps"
    resamples: int = fit.RESAMPLES
    confidence: float = fit.CONFIDENCE
    seed: int


class Phases(Document):
    """By how many logins since the start of the services a phase ends: a JIT counts calls."""

    cold: int = COLD
    warming: int = WARM


class Measurement(Document):
    """What was MEASURED, on these hosts and at these rates; times in seconds, CPU in cores.

    `untold` are tiers whose part of an exam's errand is known too vaguely, and stays as it was
    before. `saturation` is the rate of each journey but an exam, a second, at which no
    core would be left. `knee` is that of each such profile up to which every minute keeps its
    service levels, simulated, `down` one host of each of these tiers in turn: at the upper ends of
    all demands (`low`, the one to count on), at the middle start's, and at the lower ends.
    `excluded` are the steps that are in `steps` and in no figure, each with why.
    """

    schema_version: Literal[4] = 4
    kind: Literal["MEASURED"] = "MEASURED"
    plan: Plan
    finished: datetime
    phases: Phases
    bootstrap: Bootstrap
    rates: Rates
    tiers: list[TierFit]
    untold: dict[str, list[Tier]]
    warmth: list[Warmth]
    saturation: dict[str, Estimate]
    knee: dict[str, Estimate]
    down: list[Tier]
    held_out: list[HeldOut]
    resources: list[Resource]
    excluded: list[str]
    starts: list[Start]
    steps: list[Step]

    def kept(self, profile: str) -> list[list[float]]:
        """Return the rates of a profile that each start keeps, in order; the last is held out."""
        own = [s for s in self.steps if s.phase == "warm" and s.profile == profile]
        starts = range(1, self.plan.starts + 1)
        parts = [apart(s for s in own if s.start == number) for number in starts]
        return [sorted({s.rate for s in below + largest}) for below, largest in parts]

    @property
    def predicted_well(self) -> bool:
        """Whether every figure of every step held out is within its limit."""
        return all(figure.kept for each in self.held_out for figure in each.figures)


@dataclass(frozen=True, slots=True)
class Known:
    """What was known before: demands and platform, and how many accounts the site has."""

    demands: Demands
    platform: Platform
    accounts: int


def measured(steps: Steps, known: Known) -> tuple[Measurement, Demands]:
    """Return what the steps say. Raises UnfitError where that is nothing to size from."""
    plan = steps.plan
    fitted, held = split(steps)
    fits = tier_fits(steps, fitted)
    own = {n: one for n, one in errands(known.demands).items() if n in plan.errands}
    needed = {name: errand.needs(known.demands) for name, errand in own.items()}
    check(fits, lambda name: needed[name], steps.path)
    every = [step for several in fitted.values() for step in several]
    warmths = warmth(steps.steps, fits)
    costs = {
        name: {
            fit.tier: fit.demand[name]
            for fit in fits
            if fit.tier in needed[name] or told(fit, name)
        }
        for name in plan.errands
    }
    source = _told(plan, len(every))
    beside = resources(every, plan.journeys, plan.seed)
    found = demands(
        known.demands,
        costs,
        near_idle(every),
        warmths,
        name=f"{plan.stack} {plan.run}",
        told=source,
        accounts=Accounts(known.accounts, plan),
        others=visits(beside, known.demands, [n for n in plan.journeys if n != EXAM], source),
    )
    return (
        Measurement(
            plan=plan,
            finished=datetime.now(UTC),
            phases=Phases(),
            bootstrap=Bootstrap(seed=plan.seed),
            rates=steps.rates or Rates(knee=0.0, rates={}),
            tiers=fits,
            untold={
                name: left
                for name, errand in own.items()
                if (left := [fit.tier for fit in fits if fit.tier in errand.tiers - {*costs[name]}])
            },
            warmth=warmths,
            saturation={
                name: _saturation(plan, fits, name, taken(every))
                for name in plan.journeys
                if name != EXAM
            },
            knee={
                profile.name: _knee(
                    Setting(plan, profile, known.platform, known.accounts), fits, every, found
                )
                for profile in plan.steady
            },
            down=may_be_down(plan),
            held_out=[_held_out(plan, fits, known, source, fitted[s.start], s) for s in held],
            resources=beside,
            excluded=[line(s) for s in steps.steps if not s.fits and s not in held],
            starts=list(steps.starts.values()),
            steps=steps.steps,
        ),
        found,
    )


def line(step: Step) -> str:
    """Return which step was excluded, and why."""
    return (
        f"start {step.start}, {step.phase}, {step.load}: {'; '.join([*step.excluded, *step.short])}"
    )


def _told(plan: Plan, runs: int) -> Told:
    source = (
        f"Measured on stack {plan.stack}, {plan.began:%d %B %Y}, run {plan.run}: {runs} storms over"
        f" {plan.starts} fresh starts. The value is the middle start's, the upper end that of the"
        " unlucky one."
    )
    shares = (
        f"Whole journeys were rung; shared out by the requests' times near idle at"
        f" {', '.join(BY_TIME)}, elsewhere as was known before."
    )
    return Told(source, runs, shares)


def taken(steps: list[Step]) -> float:
    """Return the cores that others usually took meanwhile."""
    return median(step.usage.taken for step in steps)


def _saturation(plan: Plan, fits: list[TierFit], journey: str, others: float) -> Estimate:
    def at(idle: str, each: str) -> float:
        return highest(
            plan,
            {fit.tier: getattr(fit.idle, idle) for fit in fits},
            {fit.tier: getattr(fit.demand[journey], each) for fit in fits},
            others,
        )

    return Estimate(value=at("value", "value"), low=at("value", "high"), high=at("value", "low"))


def _knee(setting: Setting, fits: list[TierFit], every: list[Step], found: Demands) -> Estimate:
    """Return how much of a profile the site bears, by the demands of all starts."""
    journey = setting.profile.journey
    accounts = Accounts(setting.accounts, setting.plan)

    def costs(idle: str, each: str) -> Costs:
        return Costs(
            {fit.tier: getattr(fit.idle, idle) for fit in fits},
            {journey: {fit.tier: getattr(fit.demand[journey], each) for fit in fits}},
            taken(every),
            at_bound(found, each),
            accounts,
        )

    delay = unexplained(setting, costs("value", "value"), every)
    low, value, high = (
        knee(setting, costs(idle, each), delay)
        for idle, each in (("value", "high"), ("value", "value"), ("value", "low"))
    )
    return Estimate(value=value, low=min(low, value), high=max(value, high))


def _held_out(  # noqa: PLR0913, PLR0917 - what a prediction may know
    plan: Plan, fits: list[TierFit], known: Known, told: Told, fitted: list[Step], step: Step
) -> HeldOut:
    """Predict a step by what its own start has without it."""
    own: dict[Tier, dict[str, Estimate]] = {}
    idle: dict[Tier, float] = {}
    for each in fits:
        start = next(s for s in each.starts if s.start == step.start)
        own[each.tier], idle[each.tier] = start.demand, start.idle.value
    profile = next(p for p in plan.profiles if p.name == step.profile)
    # What cannot be told from nothing is taken to be as it was known before.
    costs = {
        name: {tier: several[name] for tier, several in own.items() if several[name].value}
        for name in plan.errands
    }
    accounts = Accounts(known.accounts, plan)
    shared_out = demands(
        known.demands, costs, near_idle(fitted), [], name="a start", told=told, accounts=accounts
    )
    values = {
        errand.name: {tier: several[errand.name].value for tier, several in own.items()}
        for errand in of(profile.journey, known.demands.journeys[profile.journey])
    }
    setting = Setting(plan, profile, known.platform, known.accounts)
    return held_out(setting, Costs(idle, values, taken(fitted), shared_out, accounts), fitted, step)
