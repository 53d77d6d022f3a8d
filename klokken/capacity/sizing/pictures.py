"""Pictures of a sizing, as SVG files that are the same whenever they are drawn again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from klokken import files
from klokken.capacity.drawing import COLOURS, DASHES, GREY, by_minute, clock, panels, svg
from klokken.capacity.money import dkk
from klokken.capacity.morning import MINUTE_SECONDS
from klokken.capacity.sizing.asked import waits
from klokken.capacity.sizing.fit import Rules
from klokken.capacity.sizing.search import NoPlanError, cheapest
from klokken.topology import Tier

if TYPE_CHECKING:
    from datetime import time
    from pathlib import Path

    from klokken.capacity.pricelist import PriceList
    from klokken.capacity.sizing.answer import Sizing
    from klokken.capacity.sizing.run import Sized
    from klokken.capacity.sizing.search import Plan

# What of a tier's cores is left in the picture of the backlog.
_LEFT = (1.0, 0.6, 0.5, 0.4)
# Seconds that a pupil may be made to wait, in the picture of the cost.
WAITS = (0.0, 5.0, 15.0, 30.0, 60.0, 120.0, 240.0)


def put_down(sized: Sized, folder: Path) -> dict[str, str]:
    """Draw a sizing's pictures into a folder; return them by name."""
    drawn = {
        "backlog.svg": _backlog(sized.plan, sized.prices, sized.answer.opens),
        "utilisation.svg": _utilisation(sized.answer),
        "cost.svg": _cost(sized.answer, sized.plan, sized.prices),
    }
    for name, text in drawn.items():
        files.write(folder / name, text)
    return drawn


def _backlog(plan: Plan, prices: PriceList, opens: time) -> str:
    """Draw how long identity would make pupils wait, with less and less of its cores."""
    asked, fit = plan.asked.tiers[Tier.IDENTITY], plan.fits[Tier.IDENTITY]
    cores = fit.up * fit.cores
    figure, [axes] = panels(["How long a pupil waits at identity, with a part of its cores"])
    speed = prices.core_speed.value
    drawn = [waits(asked.load, left * cores * speed) for left in _LEFT]
    for left, wait, dashes, colour in zip(_LEFT, drawn, DASHES, COLOURS, strict=True):
        label = f"{100 * left:.0f} % of {cores}"
        axes.plot(wait, dashes, color=colour, label=label)
    axes.set_ylabel("seconds")
    axes.set_ylim(bottom=0)
    # Until nobody comes any more, and nobody waits.
    clock(axes, opens, float(np.flatnonzero(asked.load + sum(drawn))[-1] + 1))
    return svg(figure)


def _utilisation(found: Sizing) -> str:
    """Draw how busy each tier is, minute by minute, with the first spread tier a host short."""
    morning = found.mornings[-1]
    down = f"one host of {morning.down} down" if morning.down else "all hosts up"
    figure, [axes] = panels([f"Share of each tier's cores that is busy, {down}"])
    for number, tier in enumerate(morning.minutes[0].utilisation):
        shares = [100 * minute.utilisation[tier] for minute in morning.minutes]
        by_minute(axes, morning.minutes, shares, number, tier)
    free = 100 * (1 - found.headroom)
    axes.axhline(free, color=GREY, linewidth=1, label=f"{free:.0f} %: the rest\nshall stay free")
    axes.set_ylim(0, 100)
    axes.set_ylabel("% of cores")
    clock(axes, found.opens, MINUTE_SECONDS * (morning.minutes[-1].minute + 1))
    return svg(figure)


def _cost(found: Sizing, plan: Plan, prices: PriceList) -> str:
    """Draw what the platform would cost if pupils were made to wait."""
    rules = Rules(found.headroom, found.cell)
    costs = [(wait, month) for wait in WAITS for month in _month(plan, prices, rules, wait)]
    figure, [axes] = panels([f"What a month at {found.title} costs, if pupils may be made to wait"])
    labels = ["all hosts", "without the\ndrive's hosts"]
    for number, label in enumerate(labels if Tier.DRIVE in plan.fits else labels[:1]):
        axes.plot(
            [wait for wait, _ in costs],
            [dkk(month[number]) for _, month in costs],
            DASHES[number],
            color=COLOURS[number],
            marker="o",
            label=label,
        )
    axes.set_ylim(0, 1.1 * max(dkk(month[0]) for _, month in costs))
    axes.set_ylabel("DKK a month")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xticks(np.arange(0, WAITS[-1] + 1, 30))
    axes.set_xlabel("seconds that the unluckiest pupil waits, by the fluid level")
    return svg(figure)


def _month(plan: Plan, prices: PriceList, rules: Rules, wait: float) -> list[tuple[float, float]]:
    """Return the month's cost of what lets nobody wait longer, with drives and without.

    None where nothing does.
    """
    tiers = {tier: asked.waiting(wait) for tier, asked in plan.asked.tiers.items()}
    asked = replace(plan.asked, tiers=tiers)
    try:
        found = cheapest(lambda _: asked, prices, rules)
    except NoPlanError:
        return []
    drives = found.fits[Tier.DRIVE].month_eur if Tier.DRIVE in found.fits else 0.0
    return [(plan.sites * found.month_eur, plan.sites * (found.month_eur - drives))]
