"""What a person sees of a sizing: hosts, cost, other offers, and what it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.sizing.answer import BUDGET_DKK_YEAR, LICENCES_DKK_YEAR

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from klokken.capacity.sizing.answer import Cost, Offer, Sizing, Takeover, TierAnswer

_MILLION = 1e6


def summary(found: Sizing, path: Path) -> str:
    """Return the platform first, then its price, then what both are worth."""
    sites = "one site" if found.sites == 1 else f"{found.sites} sites alike"
    who = f"{found.profile}, {found.pupils:,} pupils, journey {found.journey}"
    free = f"with one host of a tier down {100 * found.headroom:.0f} % of each other one free"
    lines = [
        f"SIMULATED: {who}, on {sites} of {found.title}",
        f"  A site of {found.pupils_a_site:,} pupils, {free}:",
        *table([_HEAD, *map(_row, found.tiers)]),
        f"  and metrics and a load generator on a {found.single} each, {_balancers(found)}",
        *_cost(found.cost),
        "  Each provider's cheapest:",
        *table([["provider", "prices of", "sites", "hosts", "EUR/month"], *_offers(found.offers)]),
        *_proof(found),
        *_takeovers(found),
        *_warnings(found),
    ]
    return "\n".join([*lines, f"  written to {path}"])


_HEAD = ["tier", "hosts", "kind", "cores", "GB", "volume GB", "EUR/month", "bound by", "it uses"]


def _row(tier: TierAnswer) -> list[str]:
    most = max(tier.used, key=lambda name: tier.used[name])
    return [
        tier.tier,
        str(tier.hosts),
        tier.kind,
        str(tier.cores_a_host),
        f"{tier.memory_gb:g}",
        f"{tier.volume_gb:,}" if tier.volume_gb else "-",
        f"{tier.month_eur:,.0f}",
        tier.bound,
        f"{100 * tier.used[most]:.0f} % {most}",
    ]


def _balancers(found: Sizing) -> str:
    extras = ", ".join(f"{name} {eur:,.0f}" for name, eur in found.extras_month_eur.items())
    return f"{found.balancers} load balancers; EUR/month: {extras}"


def _cost(cost: Cost) -> list[str]:
    low, high, budget = (n / _MILLION for n in (*LICENCES_DKK_YEAR, BUDGET_DKK_YEAR))
    eur = f"{cost.month_eur:,.0f} EUR, {cost.month_dkk:,.0f} DKK a month without VAT"
    pupil = f"{cost.pupil_month_eur:.3f} EUR, {cost.pupil_month_dkk:.2f} DKK a pupil and month"
    share = f"{100 * cost.share_of_budget:.1f} % of the {budget:.0f} million for all 98 kommuner"
    return [
        f"  {eur}; {pupil}",
        f"  {cost.year_dkk / _MILLION:.2f} million DKK a year, {share}",
        f"  (licences today: {low:.0f} to {high:.0f} million); hosts, storage and traffic only,",
        "  without the people who run it",
    ]


def _offers(offers: Sequence[Offer]) -> list[list[str]]:
    return [
        [
            offer.provider + (" (assumed)" if offer.assumed else ""),
            str(offer.dated),
            str(offer.sites) if offer.cost else "-",
            str(offer.hosts) if offer.cost else "-",
            f"{offer.cost.month_eur:,.0f}" if offer.cost else offer.why_not,
        ]
        for offer in offers
    ]


def _proof(found: Sizing) -> list[str]:
    lines = []
    for morning in found.mornings:
        down = f"one host of {morning.down} down" if morning.down else "all hosts up"
        lines.append(
            f"  exact level, {down}: {morning.completed:,} of {morning.offered:,} done, p99 of the "
            f"slowest minute {morning.slowest(found.journey):.2f} s"
        )
    return lines


def _takeovers(found: Sizing) -> list[str]:
    """Say what a takeover costs, and of which tiers it is not known how long it lasts."""
    known = {morning.down for morning in found.mornings} | {one.tier for one in found.takeovers}
    lines = [line for one in found.takeovers for line in _takeover(one)]
    others = [tier.tier for tier in found.tiers if tier.tier not in known]
    if others:
        lines += [
            f"  not simulated: a host of {' or '.join(others)} down. One as large stands by; the",
            "  demands do not say how long it takes to take over (`takeover_seconds`)",
        ]
    return lines


def _takeover(one: Takeover) -> list[str]:
    morning = one.morning
    minutes = sorted({missed.minute for missed in morning.missed})
    missed = f"minutes {minutes[0]} to {minutes[-1]} miss" if minutes else "no minute misses"
    dies = f"a host of {one.tier} dies at {one.died_seconds:.0f} s"
    return [
        f"  exact level, {dies}, one that stands by is there {one.takeover_seconds:.0f} s later:",
        f"  {morning.completed:,} of {morning.offered:,} done, {missed} a service level",
    ]


def _warnings(found: Sizing) -> list[str]:
    lines = [
        "  Reckoned with the upper end of every interval: at identity, that of an unlucky start.",
        "  No host took part: this is as good as its demands, and it is no measurement.",
    ]
    if not found.held_out:
        lines.append(
            "  The demands were not tried on a held-out step: nobody knows how well they predict."
        )
    if found.headroom > found.headroom_asked:
        lines.append(
            f"  With {100 * found.headroom_asked:.0f} % free a minute missed a service level."
        )
    if found.unvisited:
        missing = ", ".join(found.unvisited)
        lines.append(f"  Without {missing}, of which the journey asks nothing: size one that does.")
    if found.unsaid:
        missing = ", ".join(found.unsaid)
        lines.append(
            f"  The demands do not say what {missing} takes beside cores: only cores count."
        )
    return lines


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with columns, the first one to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + "  ".join(
            cell.rjust(width) if n else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]


def compared(found: Sequence[Sizing]) -> str:
    """Return profiles side by side."""
    head = ["profile", "pupils", "sites", "hosts", "EUR/month", "DKK/month", "DKK/pupil and month"]
    rows = [
        [
            one.profile,
            f"{one.pupils:,}",
            str(one.sites),
            str(one.hosts),
            f"{one.cost.month_eur:,.0f}",
            f"{one.cost.month_dkk:,.0f}",
            f"{one.cost.pupil_month_dkk:.2f}",
        ]
        for one in found
    ]
    return "\n".join(["  Side by side:", *table([head, *rows])])
