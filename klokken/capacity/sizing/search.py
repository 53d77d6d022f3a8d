"""The search: of all kinds of hosts of a price list, the cheapest that carry a profile."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from klokken.capacity.money import MONTHS
from klokken.capacity.sizing.fit import MOST_HOSTS, Carrier, Fit, Rules
from klokken.population import largest_cell
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable

    from klokken.capacity.pricelist import PriceList
    from klokken.capacity.sizing.asked import SiteAsked

# A population is not cut into more sites than this.
MOST_SITES = 20
# How many more sites are priced than there must be: smaller ones may do with cheaper hosts.
_MORE_SITES = 2
# Mornings in a year of 200 school days, by the month; the traffic of nothing else is known.
_MORNINGS_A_MONTH = 200 / MONTHS
# Metrics and a load generator: a host each, which nobody waits for.
SINGLES = 2
# What metrics and a load generator run on, at least.
_SMALL_CORES, _SMALL_GB = 2, 4.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A platform of one provider: so many sites, all alike, and what they cost a month.

    `single` are the tiers of one host that no pupil's request visits, and the kind they take.
    """

    provider: str
    sites: int
    asked: SiteAsked
    fits: dict[Tier, Fit]
    single: tuple[str, float]
    balancers: int
    extras: dict[str, float]

    @property
    def hosts(self) -> int:
        """The hosts of one site."""
        return sum(fit.hosts for fit in self.fits.values()) + SINGLES

    @property
    def month_eur(self) -> float:
        """What the whole platform costs a month."""
        tiers = sum(fit.month_eur for fit in self.fits.values())
        return self.sites * (tiers + SINGLES * self.single[1] + sum(self.extras.values()))


class NoPlanError(Exception):
    """No topology of a price list carries the profile; the message says which tier and why."""


def cheapest(asking: Callable[[int], SiteAsked], prices: PriceList, rules: Rules) -> Plan:
    """Return the cheapest plan, on as few sites as will do or some more.

    Raises NoPlanError where no number of them will do. `asking` tells what one of so many sites,
    all alike, is asked for.
    """
    why, found = "", list[Plan]()
    for sites in range(1, MOST_SITES + 1):
        try:
            found.append(_plan(asking(sites), prices, rules, sites))
        except NoPlanError as error:
            why = why or str(error)
        if found and sites >= found[0].sites + _MORE_SITES:
            break
    if not found:
        raise NoPlanError(why)
    return min(found, key=lambda plan: plan.month_eur)


def again(asked: SiteAsked, prices: PriceList, rules: Rules, whole: Plan) -> Plan:
    """Return the plan for a smaller site of the kinds of `whole`, which carry it."""
    fits: dict[Tier, Fit] = {}
    for tier, there in whole.fits.items():
        pooled = _pool(asked) * fits[Tier.IDENTITY].hosts if tier is Tier.DATABASE else 0.0
        fit = Carrier(tier, asked, prices, there.kind, rules, pooled).fit()
        # Never more than the larger site takes, whichever way the schools fall into cells.
        fits[tier] = there if fit is None else min(fit, there, key=lambda one: one.up)
    return _priced(asked, prices, rules, whole.sites, fits)


def _plan(asked: SiteAsked, prices: PriceList, rules: Rules, sites: int) -> Plan:
    identity, database = _logins(asked, prices, rules)
    fits = {
        Tier.EDGE: _best(Tier.EDGE, asked, prices, rules),
        Tier.IDENTITY: identity,
        Tier.DATABASE: database,
    }
    if Tier.DRIVE in asked.tiers:
        fits[Tier.DRIVE] = _best(Tier.DRIVE, asked, prices, rules)
    return _priced(asked, prices, rules, sites, fits)


def _priced(
    asked: SiteAsked, prices: PriceList, rules: Rules, sites: int, fits: dict[Tier, Fit]
) -> Plan:
    balancers = ceil(
        asked.tiers[Tier.EDGE].connections
        / (prices.balancer_connections.value * (1 - rules.headroom))
    )
    hosts = sum(fit.hosts for fit in fits.values())
    month_tb = asked.sent_tb * _MORNINGS_A_MONTH
    paid_tb = max(0.0, month_tb - hosts * prices.traffic_included_tb.value)
    stored = sum(tier.data_gb for tier in asked.tiers.values())
    extras = {
        "load balancers": balancers * prices.balancer_eur_month.value,
        "a copy of all data in object storage": stored * prices.object_gb_eur_month.value,
        "traffic of school mornings": paid_tb * prices.traffic_tb_eur.value,
    }
    return Plan(prices.provider, sites, asked, fits, _small(prices), balancers, extras)


def _best(tier: Tier, asked: SiteAsked, prices: PriceList, rules: Rules) -> Fit:
    """Return the cheapest hosts for a tier, the fewest where two cost the same."""
    found = _all(tier, asked, prices, rules)
    if not found:
        raise NoPlanError(_why_not(tier, asked, prices, rules))
    return min(found, key=_price)


def _logins(asked: SiteAsked, prices: PriceList, rules: Rules) -> tuple[Fit, Fit]:
    """Return hosts for identity and database: more of the first open more connections to it."""
    each, identities = _pool(asked), _all(Tier.IDENTITY, asked, prices, rules)
    found = [
        (identity, database)
        for identity in identities
        for database in _all(Tier.DATABASE, asked, prices, rules, each * identity.hosts)
    ]
    if not found:
        _best(Tier.IDENTITY, asked, prices, rules)
        pooled = each * min(identity.hosts for identity in identities)
        raise NoPlanError(_why_not(Tier.DATABASE, asked, prices, rules, pooled))
    return min(found, key=lambda two: tuple(a + b for a, b in zip(*map(_price, two), strict=True)))


def _pool(asked: SiteAsked) -> float:
    """Return how many connections a host of identity holds open to the database."""
    pool = asked.tiers[Tier.IDENTITY].resources.pool
    return pool.value if pool else 0.0


def _all(
    tier: Tier, asked: SiteAsked, prices: PriceList, rules: Rules, pooled: float = 0.0
) -> list[Fit]:
    fits = (Carrier(tier, asked, prices, kind, rules, pooled).fit() for kind in orderable(prices))
    return [fit for fit in fits if fit is not None]


def orderable(prices: PriceList) -> list[str]:
    """Return the kinds of hosts that can be ordered and have a core to count on."""
    return [k for k, host in prices.hosts.items() if host.orderable and prices.cores(k)]


def _price(fit: Fit) -> tuple[float, int]:
    return fit.month_eur, fit.hosts


def _small(prices: PriceList) -> tuple[str, float]:
    """Return the cheapest kind that metrics or a load generator can run on, and its price."""
    kinds = [
        (prices.month(kind), kind)
        for kind in orderable(prices)
        if prices.cores(kind) >= _SMALL_CORES and prices.hosts[kind].memory_gb >= _SMALL_GB
    ]
    if not kinds:
        raise NoPlanError(f"no host has {_SMALL_CORES} cores and {_SMALL_GB:g} GB for metrics")
    month, kind = min(kinds)
    return kind, month


def _why_not(
    tier: Tier, asked: SiteAsked, prices: PriceList, rules: Rules, pooled: float = 0.0
) -> str:
    """Say what is short of the kind that comes nearest, with all hosts that there may be."""
    up = 1 if tier is Tier.DATABASE else MOST_HOSTS - 1
    if tier is Tier.DRIVE and largest_cell(asked.pupils, up) > rules.cell:
        return f"drive has more than {up} cells with {rules.cell:,} of {asked.pupils:,} pupils each"
    share = asked.largest_share(up) if tier is Tier.DRIVE else 1 / up
    uses = [
        (max(used.values()), max(used, key=lambda name: used[name]), kind)
        for kind in orderable(prices)
        for used in [Carrier(tier, asked, prices, kind, rules, pooled).used(share)]
    ]
    if not uses:
        return "no kind of host can be ordered"
    most, what, kind = min(uses)
    return (
        f"{tier} needs {most / (1 - rules.headroom):.1f} times the {what} of {kind}, "
        f"with {up} carrying {asked.pupils:,} pupils"
    )


def most_pupils(asked: SiteAsked, prices: PriceList, rules: Rules) -> int:
    """Return how many pupils one host of a list can carry as a cell, up to what is asked."""
    cells = range(1, min(rules.cell, asked.pupils) + 1)
    carriers = [Carrier(Tier.DRIVE, asked, prices, kind, rules) for kind in orderable(prices)]
    return bisect_left(
        cells,
        x=True,
        key=lambda cell: not any(each.bears(cell / asked.pupils) for each in carriers),
    )
