"""The task of a sizing: what was read for it, and what each provider has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from klokken.capacity import run
from klokken.capacity.demands import Demands
from klokken.capacity.platform import Platform
from klokken.capacity.pricelist import PriceList, price_lists
from klokken.capacity.sizing.asked import check_predictions, check_widths, site_asked
from klokken.capacity.sizing.fit import Rules
from klokken.capacity.sizing.search import NoPlanError, Plan, cheapest, most_pupils
from klokken.errors import InputError
from klokken.population import PUPILS_A_SCHOOL
from klokken.profile import Profile
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from klokken.capacity.sizing.asked import SiteAsked

SEED = 1
# The most pupils of a cell where nobody says.
CELL = 50_000
# What every journey visits that begins with a login.
_NEEDED = (Tier.EDGE, Tier.IDENTITY, Tier.DATABASE)


@dataclass(frozen=True, slots=True)
class Choices:
    """What is to be sized, and by which rules. `prices` is one list instead of the product's.

    Without `cell`, cells are as large as is cheapest, and no larger than CELL.
    """

    profile: str
    demands: Path = run.DEMANDS_FILE
    prices: Path | None = None
    providers: tuple[str, ...] = ()
    headroom: float = 0.3
    cell: int | None = None
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
        return Rules(self.chosen.headroom, self.chosen.cell or CELL)


def task(chosen: Choices, today: date) -> Task:
    """Read everything; raise InputError about anything that cannot be used."""
    if not 0 <= chosen.headroom < 1:
        raise InputError("size", "headroom", f"is {chosen.headroom:g}", "give one from 0 to 0.99")
    if chosen.cell is not None and chosen.cell < 1:
        raise InputError("size", "cell", f"is {chosen.cell}", "give pupils a cell, such as 50000")
    if chosen.prices and chosen.providers:
        raise InputError(
            "size", "provider", "chooses among the product's own lists", "leave out --prices"
        )
    profile, demands = Profile.named(chosen.profile), Demands.read(chosen.demands)
    journey = demands.journey(profile.journey, chosen.demands)
    for tier in _NEEDED:
        if tier not in journey.tiers:
            field = f"journeys.{profile.journey}"
            raise InputError(chosen.demands, field, f"does not visit {tier}", "a login does")
    check_predictions(demands, chosen.demands)
    check_widths(demands, journey, chosen.demands)
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
    if chosen.cell is not None and Tier.DRIVE in journey.tiers:
        _check_cell(made)
    return made


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
    """Raise InputError where a cell is less than a school, or no host of the lists carries it."""
    site, rules = made.asking(1), made.rules
    school = min(PUPILS_A_SCHOOL, site.pupils)
    if rules.cell < school:
        raise InputError(
            "size",
            "cell",
            f"is {rules.cell}, and a school, which is in one cell, has {school} pupils",
            f"give at least --cell {school}",
        )
    largest = max(most_pupils(site, prices, rules) for prices in made.lists)
    if largest < min(rules.cell, site.pupils):
        raise InputError(
            "size",
            "cell",
            f"no host of the price lists carries {rules.cell:,} pupils with that headroom",
            f"give at most --cell {largest}"
            if largest >= school
            else "give other prices or less headroom",
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
