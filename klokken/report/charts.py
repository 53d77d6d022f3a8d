"""Line charts over the time of day, as SVG that is the same whenever it is drawn again.

No word stands in a drawing: titles and legends belong to the page, which knows both
languages, sets them in its own type and escapes them.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from markupsafe import Markup

from klokken.report import svg
from klokken.report.numbers import clock_at, danish, english, exact_digits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCH = 72.0
# Margins around the plot, in points, for the texts of its axes.
LEFT, RIGHT, BELOW, ABOVE = 48, 34, 30, 12
TIME_STEPS = (
    1,
    2,
    5,
    10,
    15,
    20,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    14_400,
    28_800,
    86_400,
)
MARKERS = 10
# A limit more than this many times above everything measured would flatten the curves.
LIMIT_IN_SIGHT = 2.5


@dataclass(frozen=True)
class Style:
    """How one line is told from the others: by colour, by dashes and by marker."""

    colour: str
    dashes: tuple[float, ...]
    marker: str


STYLES = (
    Style("--s1", (), "o"),
    Style("--s2", (6, 3), "s"),
    Style("--s3", (2, 2), "^"),
    Style("--s4", (8, 2, 2, 2), "D"),
    Style("--s5", (1, 3), "v"),
    Style("--s6", (12, 3), "P"),
)


@dataclass(frozen=True)
class Size:
    """A size to draw a chart in, in points; the page scales it by little."""

    css: str
    width: float
    height: float
    ticks: int


WIDE = Size("wide", 900, 280, 8)
NARROW = Size("narrow", 400, 240, 4)


@dataclass(frozen=True)
class Line:
    """Values over time; None is a gap. A filled line is a sum that others are held against."""

    values: list[float | None]
    style: Style
    filled: bool = False


@dataclass(frozen=True)
class Chart:
    """A picture: lines over seconds since midnight, and what it says to who cannot see it.

    With `steps`, value i belongs to the stretch from `x[i]` to `x[i + 1]`.
    """

    name: str
    title: str
    description: str
    x: list[float]
    span: tuple[float, float]
    lines: list[Line]
    steps: bool = False
    limit: float | None = None
    lang: Literal["da", "en"] = "en"

    @property
    def top(self) -> float:
        """The highest value of any line."""
        return max((v for line in self.lines for v in line.values if v is not None), default=0.0)

    @property
    def limit_in_sight(self) -> bool:
        """Whether the limit is drawn, or lies too far above the lines."""
        return self.limit is not None and self.limit <= LIMIT_IN_SIGHT * self.top


def draw(chart: Chart, *sizes: Size) -> Markup:
    """Return the chart as inline SVG, once a size; the page shows the one that fits."""
    return Markup().join(_drawn(chart, size) for size in sizes)


def _drawn(chart: Chart, size: Size) -> Markup:
    # Importing it takes a second, and most that import this draw nothing.
    from matplotlib import style  # noqa: PLC0415 - as above
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    name = f"{chart.name}-{size.css}"
    settings: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "lines.scale_dashes": False,
        "text.parse_math": False,
        "path.simplify": True,
        "font.size": 13,
    }
    with style.context(["default", settings]):
        figure = Figure(figsize=(size.width / INCH, size.height / INCH))
        axes = figure.add_axes((LEFT / size.width, BELOW / size.height, *_inner(size)))
        _frame(figure, axes)
        _lines(chart, axes)
        _scales(chart, axes, size)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
    words = svg.Words(chart.title, chart.description, chart.lang)
    return svg.inline(text.getvalue(), name, words, size.css)


def _inner(size: Size) -> tuple[float, float]:
    """Return the share of the picture that the plot itself takes."""
    return (size.width - LEFT - RIGHT) / size.width, (size.height - BELOW - ABOVE) / size.height


def _frame(figure: Figure, axes: Axes) -> None:
    figure.patch.set_visible(False)
    axes.patch.set_visible(False)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(svg.SENTINELS["--ink-soft"])
    axes.grid(axis="y", color=svg.SENTINELS["--grid"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0, pad=6, labelcolor=svg.SENTINELS["--ink-soft"])
    axes.tick_params(
        axis="x",
        length=4,
        color=svg.SENTINELS["--ink-soft"],
        labelcolor=svg.SENTINELS["--ink-soft"],
    )


def _lines(chart: Chart, axes: Axes) -> None:
    for line in chart.lines:
        style = line.style
        values = [math.nan if value is None else value for value in line.values]
        if chart.steps:
            values = values + values[-1:]
        if line.filled:
            axes.fill_between(
                chart.x,
                values,
                step="post" if chart.steps else None,
                color=svg.SENTINELS["--fill"],
                linewidth=0,
            )
        (drawn,) = axes.plot(
            chart.x,
            values,
            color=svg.SENTINELS[style.colour],
            linewidth=1.2 if line.filled else 1.8,
            # Dashes lie on top, so that a line below them shows through.
            zorder=3 if style.dashes else 2,
            drawstyle="steps-post" if chart.steps else "default",
        )
        if style.dashes:
            drawn.set_dashes(style.dashes)
        if not chart.steps:
            drawn.set_marker(style.marker)
            drawn.set_markersize(4.5)
            drawn.set_markevery(marked(line.values))
    if chart.limit is not None and chart.limit_in_sight:
        axes.axhline(chart.limit, color=svg.SENTINELS["--limit"], linewidth=1.2)


def marked(values: list[float | None]) -> list[int]:
    """Return which points get a marker: a few, and each that no line reaches."""
    there = [i for i, value in enumerate(values) if value is not None]
    gaps = {-1, len(values), *(i for i, value in enumerate(values) if value is None)}
    alone = {i for i in there if i - 1 in gaps and i + 1 in gaps}
    return sorted(alone | set(there[:: max(1, len(there) // MARKERS)]))


def _scales(chart: Chart, axes: Axes, size: Size) -> None:
    top = max(chart.top, chart.limit or 0.0 if chart.limit_in_sight else 0.0)
    axes.set_ylim(0, top * 1.08 or 1)
    axes.locator_params(axis="y", nbins=4, steps=[1, 2, 2.5, 5, 10])
    decimals = max(exact_digits(float(tick)) for tick in axes.get_yticks())
    written = danish if chart.lang == "da" else english
    axes.yaxis.set_major_formatter(lambda v, _: written(float(v), decimals))
    axes.set_xlim(*chart.span)
    ticks = time_ticks(*chart.span, size.ticks)
    whole_minutes = all(tick % 60 == 0 for tick in ticks)
    texts = [clock_at(tick)[: 5 if whole_minutes else 8] for tick in ticks]
    axes.xaxis.set_ticks(ticks, texts)


def time_ticks(first: float, last: float, most: int) -> list[int]:
    """Return at most about `most` round times of day from `first` to `last`."""
    days = TIME_STEPS[-1] * math.ceil((last - first) / TIME_STEPS[-1] / most)
    step = next((s for s in TIME_STEPS if (last - first) / s <= most), days)
    start = -(-math.ceil(first) // step) * step
    return list(range(start, int(last) + 1, step))
