"""Arrival curves as a profile writes them: when pupils come, as shares of them all.

docs/arrivals.md gives the formula of each kind; `klokken.curve` draws from them.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from klokken.document import Document
from klokken.figure import Figure, Grounded, Positive, Real, Share, TimeOfDay, check_whole

if TYPE_CHECKING:
    from datetime import time


class Bell(Document):
    """Arrivals around a school bell: a skew-normal density cut to its window.

    `spread` is the scale of the density in seconds; `skew` is its shape, 0 for the normal.
    """

    kind: Literal["bell"]
    centre: Figure[TimeOfDay]
    spread: Figure[Positive]
    skew: Figure[Real]
    opens: TimeOfDay
    closes: TimeOfDay

    @model_validator(mode="after")
    def _in_order(self) -> Bell:
        if not self.opens < self.centre.value < self.closes:
            raise ValueError("`opens`, `centre` and `closes` must be in this order")
        return self


class Uniform(Grounded):
    """Arrivals spread evenly over a window."""

    kind: Literal["uniform"]
    opens: TimeOfDay
    closes: TimeOfDay

    @model_validator(mode="after")
    def _in_order(self) -> Uniform:
        if not self.opens < self.closes:
            raise ValueError("`opens` must be before `closes`")
        return self


class Row(Document):
    """The share of all pupils who come between `at` and the next row's `at`, evenly."""

    at: TimeOfDay
    share: Share

    def __str__(self) -> str:
        """Return the row in a few characters."""
        return f"{self.at} {self.share:g}"


class Table(Grounded):
    """Arrivals as they were counted: a share a row, the last row's until `closes`."""

    kind: Literal["table"]
    rows: Annotated[list[Row], Field(min_length=1)]
    closes: TimeOfDay

    @property
    def opens(self) -> time:
        """When the first may come."""
        return self.rows[0].at

    @model_validator(mode="after")
    def _in_order(self) -> Table:
        for number, (row, later) in enumerate(pairwise(self.rows), start=1):
            if not row.at < later.at:
                raise ValueError(f"`rows.{number}` is at {later.at}, not after the row before it")
        if not self.rows[-1].at < self.closes:
            raise ValueError("`closes` must be after the last of `rows`")
        check_whole("rows", [row.share for row in self.rows])
        return self


class Part(Document):
    """One curve of a mixture, and the share of all pupils who come by it."""

    share: Figure[Share]
    curve: Annotated[Bell | Uniform | Table, Field(discriminator="kind")]


class Mixture(Document):
    """Several curves over one another, such as an early bus and a late rush."""

    kind: Literal["mixture"]
    curves: Annotated[list[Part], Field(min_length=1)]

    @property
    def opens(self) -> time:
        """When the first may come."""
        return min(part.curve.opens for part in self.curves)

    @property
    def closes(self) -> time:
        """When the last has come."""
        return max(part.curve.closes for part in self.curves)

    @model_validator(mode="after")
    def _whole(self) -> Mixture:
        check_whole("curves", [part.share.value for part in self.curves])
        return self


Arrivals: TypeAlias = Annotated[Bell | Uniform | Table | Mixture, Field(discriminator="kind")]
