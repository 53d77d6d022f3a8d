"""What pictures of a morning have in common: their look, and a clock to read them by."""

from __future__ import annotations

import io
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from klokken.capacity.morning import MINUTE_SECONDS
from klokken.curve import seconds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import time

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from klokken.capacity.simulation import Minute

# Told apart by dashes as well as by colour.
DASHES = ("-", "--", ":", "-.")
COLOURS = ("#0b5cad", "#c2410c", "#3f6212", "#6d28d9")
GREY, RED = "#999999", "#b91c1c"
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
}
# Inches: wide, and how high each panel is.
_WIDTH, _HEIGHT = 9.0, 3.4
# Between two times on a clock, in seconds, and how many there may be.
_STEPS = tuple(60 * minutes for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 240))
_MOST_TIMES = 10


def panels(titles: Sequence[str], height: float = _HEIGHT) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels one below the other, each with its title."""
    # Importing it takes a second, and most that import this draw nothing.
    from matplotlib import style  # noqa: PLC0415 - as above
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    with style.context(["default", _SETTINGS]):
        figure = Figure(figsize=(_WIDTH, height * len(titles)), layout="constrained")
        found: list[Axes] = figure.subplots(len(titles), squeeze=False)[:, 0].tolist()
        for axes, title in zip(found, titles, strict=True):
            axes.set_title(title, loc="left", fontsize=12)
    return figure, found


def by_minute(
    axes: Axes, minutes: Sequence[Minute], values: Sequence[float], number: int, label: str
) -> None:
    """Draw one figure a minute, in the look of that `number`; where nobody was there it is 0."""
    known = {one.minute: value for one, value in zip(minutes, values, strict=True)}
    length = minutes[-1].minute + 1
    axes.stairs(
        [known.get(minute, 0.0) for minute in range(length)],
        [MINUTE_SECONDS * edge for edge in range(length + 1)],
        baseline=None,
        color=COLOURS[number],
        linestyle=DASHES[number],
        linewidth=1.5,
        label=label,
    )


def clock(axes: Axes, opens: time, last: float) -> None:
    """Let the axis of seconds since the morning `opens`, until the `last`, show times of day."""
    begins = seconds(opens)
    step = next((step for step in _STEPS if last <= _MOST_TIMES * step), _STEPS[-1])
    times = np.arange(ceil(begins / step) * step, begins + last + 1, step, dtype=int)
    axes.set_xlim(0, last)
    axes.set_xticks(times - begins, [f"{t // 3600:02}:{t // 60 % 60:02}" for t in times])


def svg(figure: Figure) -> str:
    """Return the figure as text that is the same whenever it is drawn again.

    What the lines are stands beside their panel, where it hides none of them.
    """
    for axes in figure.axes:
        if axes.get_legend_handles_labels()[0]:
            axes.legend(
                frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0
            )
    from matplotlib import style  # noqa: PLC0415 - loaded by whoever made the figure

    text = io.StringIO()
    salt = figure.axes[0].get_title("left")
    with style.context(["default", {**_SETTINGS, "svg.hashsalt": salt}]):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
