"""A report of what was found of capacity: the answer first, then pictures and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from klokken.report import numbers, svg
from klokken.report.page import environment

if TYPE_CHECKING:
    from datetime import datetime

    from markupsafe import Markup

    from klokken.report.numbers import Two
    from klokken.report.words import Figure

NAME = "report.html"


@dataclass(frozen=True)
class Drawing:
    """A picture that was drawn for a file of its own."""

    name: str
    heading: Two
    svg: Markup

    @classmethod
    def of(cls, name: str, heading: Two, description: str, source: str) -> Drawing:
        """Return the SVG document `source` as a part of a page."""
        words = svg.Words(heading.en, description, "en")
        return cls(name, heading, svg.inline(source, name, words, "drawn"))


@dataclass(frozen=True)
class Table:
    """Figures below a heading, in English; `texts` are the columns that hold words."""

    heading: Two
    columns: list[str]
    rows: list[list[str]]
    texts: tuple[int, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """All that a report says. `when` is the word before the day; `record` the file beside it."""

    title: Two
    when: Two
    made: datetime
    tone: Literal["pass", "fail", "answer"]
    answer: Two
    lead: Two
    meaning: Two
    notes: list[Two]
    figures: list[Figure]
    drawings: list[Drawing]
    tables: list[Table]
    record: str


def render(sheet: Sheet) -> str:
    """Return the sheet as one self-contained page."""
    template = environment().get_template("sheet.html.j2")
    return template.render(s=sheet, day=numbers.date(sheet.made))
