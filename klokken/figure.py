"""A figure of a profile: its value, and the ground it stands on."""

from __future__ import annotations

from datetime import time
from math import fsum
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from klokken.document import Document

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

V = TypeVar("V")
# How far from 1 the sum of shares may lie, for shares that were rounded to be written.
_ROUNDING = 1e-6


class Grounded(Document):
    """What says where it comes from: a source, or an assumption and its reason."""

    source: str = ""
    assumed: bool = False
    why: str = ""

    @model_validator(mode="after")
    def _accounted_for(self) -> Self:
        if self.assumed == bool(self.source):
            raise ValueError("give either a `source`, or `assumed: true` with a `why`")
        if self.assumed and not self.why:
            raise ValueError("an assumed figure needs a `why`")
        return self


class Figure(Grounded, Generic[V]):
    """A value with where it comes from."""

    value: V


def check_whole(field: str, shares: Sequence[float]) -> None:
    """Raise ValueError unless the `shares` of a list's entries sum to 1."""
    total = fsum(shares)
    if abs(total - 1) > _ROUNDING:
        raise ValueError(f"the shares of `{field}` sum to {total:.7g}, not to 1")


def _time_of_day(value: Any) -> Any:
    """Refuse what YAML or pydantic would quietly turn into another time of day.

    YAML reads an unquoted 10:30 as the number 630, which pydantic takes for 00:10:30.
    """
    if not isinstance(value, (str, time)):
        raise ValueError('write a time of day in quotes, such as "08:00"')  # noqa: TRY004 - pydantic
    moment = time.fromisoformat(value) if isinstance(value, str) else value
    if moment.tzinfo is not None:
        raise ValueError("a school bell rings by the clock on the wall; leave the time zone out")
    return moment


Count = Annotated[int, Field(ge=1, strict=True)]
Real = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, strict=True, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, strict=True)]
TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]
