"""Pictures of a sizing, as SVG files that are the same whenever they are drawn again."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from klokken import files
from klokken.capacity.money import dkk
from klokken.capacity.sizing.asked import fewest_cores, waits
from klokken.capacity.sizing.fit import Rules
from klokken.capacity.sizing.search import NoPlanError, cheapest
from klokken.topology import Tier

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.axes import Axes

    from klokken.capacity.pricelist import PriceList
    from klokken.capacity.sizing.answer import Sizing
    from klokken.capacity.sizing.run import Sized
    from klokken.capacity.sizing.search import Plan

_MINUTE = 60
# What of a tier's cores is left in the picture of the backlog.
_LEFT = (1.0, 0.6, 0.5, 0.4)
# Seconds that a pupil may be made to wait, in the picture of the cost.
WAITS = (0.0, 5.0, 15.0, 30.0, 60.0, 120.0, 240.0)
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
}
# Told apart by dashes as well as by colour.
_DASHES = ("-", "--", ":", "-.")
_COLOURS = ("#0b5cad", "#c2410c", "#3f6212", "#6d28d9")


def put_down(sized: Sized, folder: Path) -> list[str]:
    """Draw a sizing's pictures into a folder; return their names."""
    drawn = {
        "backlog.svg": _backlog(sized.plan),
        "utilisation.svg": _utilisation(sized.answer),
        "cost.svg": _cost(sized.answer, sized.plan, sized.prices),
    }
    for name, text in drawn.items():
        files.write(folder / name, text)
    return list(drawn)


def _backlog(plan: Plan) -> str:
    """Draw how long identity would make pupils wait, with less and less of its cores."""
    asked, fit = plan.asked.tiers[Tier.IDENTITY], plan.fits[Tier.IDENTITY]
    cores = fit.up * fit.cores
    figure, axes = _figure("Identity: seconds of waiting, with less than what was sized")
    minutes = np.arange(len(asked.load)) / _MINUTE
    for left, dashes, colour in zip(_LEFT, _DASHES, _COLOURS, strict=True):
        label = f"{100 * left:.0f} % of {cores} cores"
        axes.plot(minutes, waits(asked.load, left * cores), dashes, color=colour, label=label)
    axes.set_xlabel("minutes since the morning opens")
    return _svg(figure, axes)


def _utilisation(found: Sizing) -> str:
    """Draw how busy each tier is, minute by minute, with the first spread tier a host short."""
    morning = found.mornings[-1]
    down = f"one host of {morning.down} down" if morning.down else "all hosts up"
    figure, axes = _figure(f"Share of each tier's cores that is busy, {down}")
    minutes = [minute.minute for minute in morning.minutes]
    for number, tier in enumerate(morning.minutes[0].utilisation):
        shares = [100 * minute.utilisation[tier] for minute in morning.minutes]
        (line,) = axes.step(minutes, shares, _DASHES[number], where="post", label=tier)
        line.set_color(_COLOURS[number])
    axes.axhline(100 * (1 - found.headroom), color="#999999", linewidth=1)
    axes.set_ylim(0, 100)
    axes.set_ylabel("%")
    axes.set_xlabel("minutes since the morning opens")
    return _svg(figure, axes)


def _cost(found: Sizing, plan: Plan, prices: PriceList) -> str:
    """Draw what the platform would cost if pupils were made to wait."""
    rules = Rules(found.headroom, found.cell)
    costs = [(wait, month) for wait in WAITS for month in _month(plan, prices, rules, wait)]
    figure, axes = _figure("DKK a month, by how long the unluckiest pupil waits")
    labels = (f"{found.title}, all", "without the drive's hosts")
    for number, label in enumerate(labels):
        axes.plot(
            [wait for wait, *_ in costs],
            [dkk(month[number]) for _, month in costs],
            _DASHES[number],
            color=_COLOURS[number],
            marker="o",
            label=label,
        )
    axes.set_ylim(0, 1.1 * max(dkk(month[0]) for _, month in costs))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel("seconds of waiting, fluid level")
    return _svg(figure, axes)


def _month(plan: Plan, prices: PriceList, rules: Rules, wait: float) -> list[tuple[float, float]]:
    """Return the month's cost of what lets nobody wait longer, with drives and without.

    None where nothing does.
    """
    tiers = {
        tier: replace(asked, cores=fewest_cores(asked.load, asked.cores, wait))
        for tier, asked in plan.asked.tiers.items()
    }
    asked = replace(plan.asked, tiers=tiers)
    try:
        found = cheapest(lambda _: asked, prices, rules)
    except NoPlanError:
        return []
    drives = found.fits[Tier.DRIVE].month_eur if Tier.DRIVE in found.fits else 0.0
    return [(plan.sites * found.month_eur, plan.sites * (found.month_eur - drives))]


def _figure(title: str) -> tuple[Figure, Axes]:
    with matplotlib.style.context(["default", _SETTINGS]):
        figure = Figure(figsize=(9, 3.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title, loc="left", fontsize=12)
    return figure, axes


def _svg(figure: Figure, axes: Axes) -> str:
    axes.legend(frameon=False)
    text = io.StringIO()
    with matplotlib.style.context(
        ["default", {**_SETTINGS, "svg.hashsalt": axes.get_title("left")}]
    ):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
