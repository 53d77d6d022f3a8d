"""School bells: schools that do not all start at the same time of day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated

import numpy as np
from pydantic import Field, model_validator

from klokken.curve import Floats, draws, seconds
from klokken.document import Document
from klokken.figure import Figure, Share, TimeOfDay, check_whole

# The draws of a seed from this number on are those of schools; no pupil has such a number.
_SCHOOLS = 2**64
_DAY = 86_400.0


class Start(Document):
    """A time at which `share` of all schools start."""

    starts: TimeOfDay
    share: Figure[Share]


class Bells(Document):
    """When schools start, where the arrivals of a profile are those of a start at `written_for`."""

    written_for: TimeOfDay
    schools: Annotated[list[Start], Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> Bells:
        check_whole("schools", [start.share.value for start in self.schools])
        return self

    def window(self, opens: time, closes: time) -> tuple[time, time]:
        """Return when the first and the last may come; raise ValueError where that is overnight."""
        first, last = seconds(opens) + min(self._moves), seconds(closes) + max(self._moves)
        if first < 0 or last >= _DAY:
            raise ValueError("`bells` move the arrivals beyond midnight")
        return _time_of_day(first), _time_of_day(last)

    def moves(self, seed: int, schools: int) -> Floats:
        """Return for each of the `schools` how many seconds later than `arrivals` it is.

        A school's start is a draw by (seed, school) alone.
        """
        edges = np.cumsum([start.share.value for start in self.schools])
        drawn = draws(seed, _SCHOOLS, _SCHOOLS + schools)
        return np.array(self._moves)[np.searchsorted(edges / edges[-1], drawn, side="right")]

    @property
    def _moves(self) -> list[float]:
        zero = seconds(self.written_for)
        return [seconds(start.starts) - zero for start in self.schools]


def _time_of_day(moment: float) -> time:
    midnight = datetime(2000, 1, 1)  # noqa: DTZ001 - only to make a time of day
    return (midnight + timedelta(seconds=moment)).time()
