"""A figure with the interval it lies in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Generic

from pydantic import Field, model_validator

from klokken.figure import Figure, V

if TYPE_CHECKING:
    from typing import Self


class Ranged(Figure[V], Generic[V]):
    """A figure with the interval it lies in, and of how many runs it is; `runs` 0 is none.

    The bounds are those of a 95 % interval where the source is a measurement.
    """

    low: V
    high: V
    runs: Annotated[int, Field(ge=0, strict=True)] = 0

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        figures: list[Any] = [self.low, self.value, self.high]
        if figures != sorted(figures):
            raise ValueError("`low`, `value` and `high` must be in this order")
        return self

    def at(self, bound: str) -> V:
        """Return `low`, `value` or `high`."""
        figures = {"low": self.low, "value": self.value, "high": self.high}
        return figures[bound]
