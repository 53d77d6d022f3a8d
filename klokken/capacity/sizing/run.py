"""A sizing from beginning to end: read, searched, proven and put down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import cache
from typing import TYPE_CHECKING

from klokken import files
from klokken.capacity import run
from klokken.capacity.demands import Demands
from klokken.capacity.platform import Platform
from klokken.capacity.pricelist import PriceList, price_lists
from klokken.capacity.sizing import answer
from klokken.capacity.sizing.answer import Sizing
from klokken.capacity.sizing.asked import BOUND, check_widths, site_asked
from klokken.capacity.sizing.fit import Rules
from klokken.capacity.sizing.proof import prove
from klokken.capacity.sizing.search import NoPlanError, Plan, cheapest, largest_cell
from klokken.errors import InputError
from klokken.paths import RESULTS
from klokken.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.capacity.sizing.asked import SiteAsked
    from klokken.capacity.sizing.proof import Proof

SEED = 1
# How much more is kept free where the exact level misses what the search promised, and how often.
_STEP, _STEPS = 0.05, 4


@dataclass(frozen=True, slots=True)
class Choices:
    """What is to be sized, and by which rules. `prices` is one list instead of the product's."""

    profile: str
    demands: Path = run.DEMANDS_FILE
    prices: Path | None = None
    providers: tuple[str, ...] = ()
    headroom: float = 0.3
    cell: int = 50_000
    seed: int = SEED


@dataclass(frozen=True, slots=True)
class Task:
    """All that was read for a sizing."""

    chosen: Choices
    profile: Profile
    demands: Demands
    template: Platform
    lists: list[PriceList]
    asking: Callable[[int], SiteAsked]

    @property
    def rules(self) -> Rules:
        """The rules that were asked for."""
        return Rules(self.chosen.headroom, self.chosen.cell)


def task(chosen: Choices, today: date) -> Task:
    """Read everything; raise InputError about anything that cannot be used."""
    if not 0 <= chosen.headroom < 1:
        raise InputError("size", "headroom", f"is {chosen.headroom:g}", "give one from 0 to 0.99")
    if chosen.cell < 1:
        raise InputError("size", "cell", f"is {chosen.cell}", "give pupils a cell, such as 50000")
    profile, demands = Profile.named(chosen.profile), Demands.read(chosen.demands)
    check_widths(demands, demands.journey(profile.journey, chosen.demands), chosen.demands)
    template = Platform.read(run.PLATFORM_FILE)
    lists = (
        [PriceList.read(chosen.prices, today)]
        if chosen.prices
        else price_lists(today, chosen.providers)
    )

    @cache
    def asking(sites: int) -> SiteAsked:
        return site_asked(profile, demands, template, 1 / sites, chosen.seed)

    made = Task(chosen, profile, demands, template, lists, asking)
    _check_alone(made)
    _check_cell(made)
    return made


@dataclass(frozen=True, slots=True)
class Sized:
    """The answer, and the plan and prices that it speaks of."""

    answer: Sizing
    plan: Plan
    prices: PriceList


def size(chosen: Choices, today: date | None = None) -> Sized:
    """Return how large a platform a profile needs; raise InputError where none can be had."""
    made = task(chosen, today or datetime.now(UTC).date())
    rules, why = made.rules, ""
    for _ in range(_STEPS + 1):
        there = plans(made, rules)
        found = best(made, there)
        proofs = prove(found, made.profile, made.demands, made.template, chosen.seed)
        failed = next((proof for proof in proofs if proof.missed), None)
        if failed is None:
            prices = next(one for one in made.lists if one.provider == found.provider)
            return Sized(_sizing(made, rules, there, prices, found, proofs), found, prices)
        first = failed.missed[0]
        why = (
            f"{found.provider} has {first.request_class} {first.what} {first.measured:.3g} "
            f"in minute {first.minute}"
        )
        rules = replace(rules, headroom=min(0.95, rules.headroom + _STEP))
    raise InputError(
        chosen.profile,
        "slo",
        f"no topology of the price lists keeps it: {why}",
        "loosen the service level, or mend the demands that it fails by",
    )


def put_down(found: Sizing) -> Path:
    """Write a sizing into a folder of its own; return the file."""
    folder = RESULTS / f"{found.made:%Y%m%dT%H%M%S%fZ}-sizing-{found.profile}"
    folder.mkdir(parents=True)
    path = folder / "sizing.json"
    files.write(path, found.model_dump_json(indent=1) + "\n")
    return path


def _check_alone(made: Task) -> None:
    """Raise InputError where a pupil alone would wait for longer than the whole journey may."""
    name = made.profile.journey
    slo = made.profile.slo.get(name)
    alone = made.asking(1).alone
    if slo and slo.p99_seconds and alone > slo.p99_seconds.value:
        raise InputError(
            made.chosen.profile,
            f"slo.{name}.p99_seconds",
            f"is {slo.p99_seconds.value:g} s, but a pupil alone takes {alone:.2g} s",
            "no topology helps; loosen it or mend the demands",
        )


def _check_cell(made: Task) -> None:
    """Raise InputError where no host of the lists can carry a cell as large as was asked for."""
    site, rules = made.asking(1), made.rules
    largest = max(largest_cell(site, prices, rules) for prices in made.lists)
    if largest < min(rules.cell, site.pupils):
        raise InputError(
            "size",
            "cell",
            f"no host of the price lists carries {rules.cell:,} pupils with that headroom",
            f"give at most --cell {largest}" if largest else "give other prices",
        )


def plans(made: Task, rules: Rules) -> dict[str, Plan | str]:
    """Return each provider's cheapest plan, or why there is none."""
    found: dict[str, Plan | str] = {}
    for prices in made.lists:
        try:
            found[prices.provider] = cheapest(made.asking, prices, rules)
        except NoPlanError as error:
            found[prices.provider] = str(error)
    return found


def best(made: Task, there: dict[str, Plan | str]) -> Plan:
    """Return the cheapest plan, one whose prices have a source before any other."""
    carried = [
        (prices.depreciation is not None, plan.month_eur, prices.provider, plan)
        for prices in made.lists
        for plan in [there[prices.provider]]
        if isinstance(plan, Plan)
    ]
    if carried:
        return min(carried, key=lambda one: one[:3])[-1]
    why = "; ".join(f"{provider}: {reason}" for provider, reason in there.items())
    raise InputError(
        made.chosen.profile,
        "pupils",
        f"no topology of the price lists carries it ({why})",
        "give a price list with larger hosts or less headroom",
    )


def _sizing(  # noqa: PLR0913, PLR0917 - what an answer is made of
    made: Task,
    rules: Rules,
    there: dict[str, Plan | str],
    prices: PriceList,
    found: Plan,
    proofs: list[Proof],
) -> Sizing:
    pupils = made.profile.pupils.value
    visited = made.demands.journeys[made.profile.journey].tiers
    return Sizing(
        profile=made.profile.name,
        journey=made.profile.journey,
        pupils=pupils,
        demands=made.demands.name,
        bound=BOUND,
        seed=made.chosen.seed,
        made=datetime.now(UTC),
        headroom=rules.headroom,
        headroom_asked=made.chosen.headroom,
        cell=rules.cell,
        provider=found.provider,
        title=prices.title,
        sites=found.sites,
        pupils_a_site=found.asked.pupils,
        tiers=[answer.tier_answer(fit) for fit in found.fits.values()],
        single=found.single[0],
        single_month_eur=found.single[1],
        balancers=found.balancers,
        extras_month_eur={name: round(eur, 2) for name, eur in found.extras.items()},
        cost=answer.cost(found.month_eur, pupils),
        offers=[answer.offer(one, there[one.provider], pupils) for one in made.lists],
        mornings=[answer.morning(proof) for proof in proofs],
        unvisited=[tier for tier in found.fits if tier not in visited],
    )
