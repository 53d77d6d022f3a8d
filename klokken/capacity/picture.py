"""The picture of a simulated morning: who came, how long they waited, how busy each tier was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.drawing import GREY, RED, by_minute, clock, panels, svg
from klokken.capacity.morning import MINUTE_SECONDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from klokken.capacity.simulation import Simulation

_TITLES = (
    "{profile}, SIMULATED, {level} level: who was due in each minute, and did not get in",
    "Seconds of the whole journey, by when a pupil was due",
    "Share of each tier's cores that is busy",
)
_HEIGHT = 2.6


def picture(found: Simulation) -> str:
    """Return a simulation as an SVG document."""
    titles = [title.format(profile=found.profile, level=found.level) for title in _TITLES]
    figure, drawn = panels(titles, _HEIGHT)
    for axes, draw in zip(drawn, (_people, _times, _cores), strict=True):
        draw(axes, found)
        _missed(axes, found)
        axes.set_ylim(bottom=0)
        clock(axes, found.opens, MINUTE_SECONDS * (found.minutes[-1].minute + 1))
    return svg(figure)


def _people(axes: Axes, found: Simulation) -> None:
    whole = [minute.classes.get(found.journey) for minute in found.minutes]
    by_minute(axes, found.minutes, [float(one.offered) for one in found.minutes], 0, "due")
    missing = [float(one.requests - one.ok) if one else 0.0 for one in whole]
    by_minute(axes, found.minutes, missing, 1, "failed or left")
    axes.yaxis.set_major_formatter("{x:,.0f}")


def _times(axes: Axes, found: Simulation) -> None:
    whole = [minute.classes.get(found.journey) for minute in found.minutes]
    for number, (name, label) in enumerate((("p50", "half of them"), ("p99", "99 % of them"))):
        times = [getattr(one, name) if one else 0.0 for one in whole]
        by_minute(axes, found.minutes, times, number, label)


def _cores(axes: Axes, found: Simulation) -> None:
    for number, tier in enumerate(found.minutes[0].utilisation):
        shares = [100 * minute.utilisation[tier] for minute in found.minutes]
        # The journey may not visit it.
        if any(shares):
            by_minute(axes, found.minutes, shares, number, tier)
    axes.axhline(100, color=GREY, linewidth=1)
    axes.set_ylabel("% of cores")


def _missed(axes: Axes, found: Simulation) -> None:
    """Shade the minutes that miss a service level."""
    label = "misses a\nservice level"
    for minute in sorted({missed.minute for missed in found.missed}):
        ends = MINUTE_SECONDS * (minute + 1)
        axes.axvspan(ends - MINUTE_SECONDS, ends, color=RED, alpha=0.12, linewidth=0, label=label)
        label = ""
