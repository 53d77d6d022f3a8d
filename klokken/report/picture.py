"""What a picture of a report is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.report.numbers import Two, since_midnight

if TYPE_CHECKING:
    from markupsafe import Markup

    from klokken.report.charts import Style
    from klokken.results import Results

MOST_POINTS = 180
MOST_ROWS = 60


@dataclass(frozen=True)
class Key:
    """One entry of a legend."""

    style: Style
    label: Two
    filled: bool = False


@dataclass(frozen=True)
class Table:
    """The figures behind a picture; the first column heads its row."""

    columns: list[str]
    rows: list[list[str]]


@dataclass(frozen=True)
class Picture:
    """A chart with everything that belongs to it."""

    name: str
    heading: Two
    unit: Two
    svg: Markup
    legend: list[Key]
    table: Table
    notes: list[Two]
    limit: bool = False


def span(results: Results) -> tuple[float, float]:
    """Return the seconds since midnight from the first interval to the end of the last."""
    zero = since_midnight(results.plan.opens)
    if not results.intervals:
        return float(zero), float(max(zero + 1, since_midnight(results.plan.closes)))
    last = results.intervals[-1]
    return float(zero + results.intervals[0].start), float(zero + last.start + last.seconds)
