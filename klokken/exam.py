"""The section `exam` of a profile: when it is sat, what is handed out and what is written."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import Field, model_validator

from klokken.document import Document
from klokken.figure import Count, Figure, Positive, Share, TimeOfDay

# A pupil who comes later than this does not sit the exam.
LATEST_MINUTES = 10

# The last minutes, in which many hand in; half an exam must be longer than that.
LAST_MINUTES = 5.0
Minutes = Annotated[float, Field(gt=10, le=720, strict=True, allow_inf_nan=False)]
Compression = Annotated[float, Field(ge=1, le=1000, strict=True, allow_inf_nan=False)]
Files = Annotated[int, Field(ge=1, le=100, strict=True)]
Bytes = Annotated[int, Field(ge=200, le=2**31, strict=True)]


class Exam(Document):
    """One exam. Times are those of the exam itself, which a storm may run compressed.

    The paper is `paper_files` files of together `paper_bytes`; a pupil's document has
    `document_bytes`. `last_minutes_share` of the pupils hand in within the last five minutes.
    `compression` is the factor a storm takes where it is told none; 1 is the exam as it is.
    Who is there asks for the paper within `paper_within_seconds` of the start, each at a moment of
    their own, or at the start itself where it is left out; a token is renewed when it is
    `renewal_seconds` old, or after three fifths of its life.
    """

    starts: Figure[TimeOfDay]
    minutes: Figure[Minutes]
    autosave_least_seconds: Figure[Positive]
    autosave_most_seconds: Figure[Positive]
    document_bytes: Figure[Bytes]
    paper_bytes: Figure[Count]
    paper_files: Figure[Files]
    last_minutes_share: Figure[Share]
    compression: Figure[Compression]
    paper_within_seconds: Figure[Positive] | None = None
    renewal_seconds: Figure[Positive] | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Exam:
        if self.autosave_least_seconds.value > self.autosave_most_seconds.value:
            raise ValueError("`autosave_least_seconds` is more than `autosave_most_seconds`")
        if self.paper_bytes.value < self.paper_files.value:
            raise ValueError("`paper_bytes` must give every one of `paper_files` a byte")
        if self.paper_within > self.minutes.value / 2 * 60:
            raise ValueError("`paper_within_seconds` is more than half of the exam")
        return self

    @property
    def paper_within(self) -> float:
        """The seconds from the start within which the paper is asked for by those who are there."""
        return self.paper_within_seconds.value if self.paper_within_seconds else 0.0

    def handin(self, drawn: float) -> float:
        """Return how many minutes into the exam somebody hands in who drew so much, from 0 to 1.

        A declared share hands in at the last, the others over the second half.
        """
        share, half = self.last_minutes_share.value, self.minutes.value / 2
        last = self.minutes.value - LAST_MINUTES
        if drawn < share:
            return last + drawn / share * LAST_MINUTES
        return half + (drawn - share) / (1 - share) * (last - half)

    def check_arrivals(self, opens: time, closes: time) -> None:
        """Raise ValueError unless pupils come before the exam or within its first ten minutes."""
        today = datetime(2000, 1, 1)  # noqa: DTZ001 - only to add minutes to a time of day
        latest = datetime.combine(today, self.starts.value) + timedelta(minutes=LATEST_MINUTES)
        if opens > self.starts.value or datetime.combine(today, closes) > latest:
            raise ValueError(
                "`arrivals` of an exam open before it starts"
                f" and close at most {LATEST_MINUTES} minutes after"
            )
