"""How a client tries again: capped exponential backoff with jitter, and an end to it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from klokken.document import Document

Positive = Annotated[float, Field(gt=0)]


class Retries(Document):
    """What a client of the drive does about an answer that does not come, or asks it to wait.

    An attempt ends after `timeout_seconds`. The pause after it doubles from `first_seconds` to
    at most `most_seconds`, and half of it is drawn, so that clients do not return together.
    After `attempts` the client gives up. The figures are declared: the pauses of sixteen attempts
    are 82 to 166 seconds together, so a client outlasts an outage of 80 s even where it is refused
    at once each time.
    """

    attempts: Annotated[int, Field(ge=1, le=100)] = 16
    timeout_seconds: Positive = 20.0
    first_seconds: Positive = 0.5
    most_seconds: Positive = 15.0

    def pause(self, attempt: int, drawn: float) -> float:
        """Return the seconds to wait after the attempt of this number, counted from 0.

        `drawn` is a uniform number from 0 to 1.
        """
        longest = min(self.most_seconds, self.first_seconds * 2.0 ** min(attempt, 60))
        return longest * (0.5 + 0.5 * drawn)
