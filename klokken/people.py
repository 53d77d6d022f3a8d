"""The section `people` of a profile: how long they think and wait, and how they try again.

All that a person draws follows from (seed, number of the person, which draw), so that a storm
is the same on any number of workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from math import exp, log
from statistics import NormalDist
from typing import Annotated, Literal

from pydantic import Field, model_validator

from klokken.document import Document
from klokken.figure import Figure, Positive
from klokken.retries import Retries

# The longest thought, wait or pause that a profile may declare, in seconds.
LONGEST_WAIT = 120.0

Span = Annotated[float, Field(gt=0, le=LONGEST_WAIT, strict=True, allow_inf_nan=False)]
Attempts = Annotated[int, Field(ge=1, le=100, strict=True)]

_NORMAL = NormalDist()


class Lognormal(Document):
    """Seconds around a median, some much longer: a lognormal distribution cut at its longest.

    `sigma` is the standard deviation of the logarithm; what lies above `most_seconds` is drawn
    again, so that the shape below stays.
    """

    kind: Literal["lognormal"]
    median_seconds: Figure[Span]
    sigma: Figure[Positive]
    most_seconds: Figure[Span]

    @model_validator(mode="after")
    def _in_order(self) -> Lognormal:
        if self.median_seconds.value >= self.most_seconds.value:
            raise ValueError("`median_seconds` must be less than `most_seconds`")
        return self

    @property
    def longest(self) -> float:
        """The most that is ever drawn, in seconds."""
        return self.most_seconds.value

    def at(self, share: float) -> float:
        """Return the seconds that this share of all draws, from 0 to 1, lies below."""
        median, sigma = self.median_seconds.value, self.sigma.value
        below = _NORMAL.cdf(log(self.longest / median) / sigma)
        return min(self.longest, median * exp(sigma * _NORMAL.inv_cdf(share * below)))


class Even(Document):
    """Seconds anywhere between the least and the most, all alike: a uniform distribution."""

    kind: Literal["uniform"]
    least_seconds: Figure[Span]
    most_seconds: Figure[Span]

    @model_validator(mode="after")
    def _in_order(self) -> Even:
        if self.least_seconds.value > self.most_seconds.value:
            raise ValueError("`least_seconds` is more than `most_seconds`")
        return self

    @property
    def longest(self) -> float:
        """The most that is ever drawn, in seconds."""
        return self.most_seconds.value

    def at(self, share: float) -> float:
        """Return the seconds that this share of all draws, from 0 to 1, lies below."""
        least = self.least_seconds.value
        return least + share * (self.most_seconds.value - least)


Seconds = Annotated[Lognormal | Even, Field(discriminator="kind")]


class Again(Document):
    """How somebody tries again what failed: the figures of `Retries`, each with its ground."""

    attempts: Figure[Attempts]
    timeout_seconds: Figure[Span]
    first_seconds: Figure[Span]
    most_seconds: Figure[Span]

    @property
    def retries(self) -> Retries:
        """The same without the grounds."""
        return Retries(
            attempts=self.attempts.value,
            timeout_seconds=self.timeout_seconds.value,
            first_seconds=self.first_seconds.value,
            most_seconds=self.most_seconds.value,
        )


class People(Document):
    """What people are like.

    `think` is the time between seeing a page and sending the next request, `patience` the
    waiting after which a person leaves. Who fails to get through loads the page again, as
    `again` says.
    """

    think: Seconds
    patience: Seconds
    again: Again


@dataclass(frozen=True, slots=True)
class Temper:
    """What the person `pupil` of a storm of `seed` is like, in seconds; counts are from 0."""

    people: People
    seed: int
    pupil: int

    @property
    def patience(self) -> float:
        """How much waiting ends it."""
        return self.people.patience.at(self._drawn("patience", 0))

    @property
    def timeout(self) -> float:
        """How long it waits for one page before it loads it again."""
        return self.people.again.timeout_seconds.value

    def think(self, number: int) -> float:
        """Return how long it thinks, the time of this number."""
        return self.people.think.at(self._drawn("think", number))

    def pause(self, number: int, attempt: int) -> float:
        """Return its pause of this number, which comes after so many failed attempts."""
        return self.people.again.retries.pause(attempt, self._drawn("pause", number))

    def _drawn(self, what: str, number: int) -> float:
        return drawn(what, self.seed, self.pupil, number)


def drawn(what: str, seed: int, pupil: int, number: int) -> float:
    """Return a uniform number above 0 and below 1: what a pupil draws for the time of `number`.

    A hash costs some 3 microseconds where the generator of the due times takes 80 for a single
    draw.
    """
    key = f"{what} {seed} {pupil} {number}".encode()
    word = int.from_bytes(blake2b(key, digest_size=8).digest())
    return ((word >> 12) + 0.5) * 2.0**-52
