"""Demands: what each request of a journey costs each tier, and where that is known from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from klokken.capacity.engine.model import DEEPEST, PRIORITIES
from klokken.capacity.ranged import Ranged
from klokken.capacity.resources import Resources
from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.retries import Retries
from klokken.topology import Tier

EXAMPLES = Path(__file__).parent / "examples"

# The journey whose requests follow a clock.
EXAM = "exam"
# The tiers a request can visit.
VISITED = (Tier.EDGE, Tier.IDENTITY, Tier.DRIVE, Tier.DATABASE)

Cost = Annotated[float, Field(ge=0, le=10, strict=True, allow_inf_nan=False)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,40}$")]


class Interval(Ranged[Cost]):
    """Seconds of one core's time, or a factor."""


class Work(Interval):
    """The CPU of one visit; `variation` is its standard deviation over its mean.

    `each_account` is what it takes more for each account of the host's cell, or of the site where
    the tier has no cells.
    """

    variation: Annotated[float, Field(ge=0, le=10, strict=True)] = 0.0
    each_account: Interval | None = None

    def seconds(self, accounts: float, bound: str) -> float:
        """Return the mean with so many accounts, at the `low`, `value` or `high` end."""
        more = self.each_account.at(bound) * accounts if self.each_account else 0.0
        return self.at(bound) + more

    def on(self, speed: float) -> Work:
        """Return what it takes on cores that are so many times as fast."""
        figures = {at: getattr(self, at) / speed for at in ("value", "low", "high")}
        more = self.each_account
        if more:
            faster = {at: getattr(more, at) / speed for at in ("value", "low", "high")}
            more = more.model_copy(update=faster)
        return self.model_copy(update={**figures, "each_account": more})


class Phase(Interval):
    """By how much work is dearer than warm, for the next so many requests that a host works at."""

    visits: Annotated[int, Field(ge=0, le=10_000_000, strict=True)]


class Warmth(Document):
    """How a host of a tier that begins gets warm: a JIT compiles what was called often."""

    cold: Phase
    warming: Phase


# What an exam's clock begins, in the order of its requests.
CLOCKS = ("start", "renew", "save", "handin")


class Request(Document):
    """One request of a journey.

    It is handed from tier to tier along `path`, does its work at each before it goes on, and
    holds its place at every tier before until the answer has come back. `connects` says that a
    new connection is made for it. Of those who wait for a place, a lower `priority` goes first.
    After a failure the client goes back to the request `again`; to this one where it is empty.
    Its answer is a page that a person `looks` at and thinks, as the profile's `people` do; where
    it has none, the time to think is the request's own.

    In an exam a request may follow the `clock` and not the one before it: it is sent when the
    exam has its `start`, with each `save`, at the `handin`, or to `renew` a token with whatever is
    sent first when one is `every_seconds` old. What comes behind it follows it.
    """

    name: Name
    path: Annotated[list[Tier], Field(min_length=1, max_length=DEEPEST)]
    connects: bool = False
    priority: Annotated[int, Field(ge=0, lt=PRIORITIES, strict=True)] = 0
    again: str = ""
    looks: bool = False
    clock: Literal["", "start", "renew", "save", "handin"] = ""
    every_seconds: Annotated[float, Field(ge=0, le=86400)] = 0.0
    think_seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0
    think_variation: Annotated[float, Field(ge=0, le=10)] = 1.0

    @model_validator(mode="after")
    def _downwards(self) -> Request:
        order = [VISITED.index(tier) if tier in VISITED else -1 for tier in self.path]
        if order[0] != 0 or order != sorted(set(order)) or -1 in order:
            raise ValueError(
                "`path` must begin at edge and go on in the order edge, identity, drive, database"
            )
        return self


class Conduct(Document):
    """How long a pupil of a journey waits in all, and how it tries again.

    In an exam that holds for whatever its clock begins, each by itself.
    """

    patience_seconds: Annotated[float, Field(gt=0, le=260)] = 30.0
    retries: Retries = Retries(attempts=1)


class Journey(Document):
    """The requests of a journey, one after the other."""

    requests: Annotated[list[Request], Field(min_length=1, max_length=40)]
    conduct: Conduct = Conduct()

    @model_validator(mode="after")
    def _known(self) -> Journey:
        names = [request.name for request in self.requests]
        if len({*names}) < len(names):
            raise ValueError("`requests` has two of one name")
        for number, request in enumerate(self.requests):
            if request.again and request.again not in names[self.begins[number] : number + 1]:
                raise ValueError(f"`again` of {request.name} is no request before it")
            if (request.clock == "renew") != (request.every_seconds > 0):
                raise ValueError(f"`every_seconds` of {request.name} belongs to `clock: renew`")
        clocks = [request.clock for request in self.requests if request.clock]
        if clocks and (clocks != [*CLOCKS] or self.requests[0].clock):
            raise ValueError(f"`clock` must be {', '.join(CLOCKS)} in this order, after a login")
        return self

    @property
    def clocked(self) -> dict[str, int]:
        """The number of the request that each clock begins."""
        return {r.clock: number for number, r in enumerate(self.requests) if r.clock}

    @property
    def begins(self) -> list[int]:
        """For each request the number of the one that it follows, in the end: 0, or a clock's."""
        clocked = self.clocked.values()
        return [
            max((n for n in clocked if n <= own), default=0) for own in range(len(self.requests))
        ]

    @property
    def tiers(self) -> list[Tier]:
        """The tiers that the journey visits, in their order."""
        return [tier for tier in VISITED if any(tier in r.path for r in self.requests)]


class Prediction(Document):
    """A figure of a storm that demands were not fitted to, as they predicted it.

    `error` is a share of what was measured, the worst of all such storms; `limit` how large it may
    be either way.
    """

    what: str
    storm: str
    error: Annotated[float, Field(allow_inf_nan=False)]
    limit: Annotated[float, Field(gt=0)]

    @property
    def kept(self) -> bool:
        """Whether the error is within its limit."""
        return abs(self.error) <= self.limit


class Demands(Document):
    """What was measured, or is assumed, of every journey and tier."""

    name: str
    journeys: dict[Name, Journey]
    work: dict[Name, dict[Tier, Work]]
    # The edge's work for a new connection, the TLS handshake above all.
    connection: Work
    warmth: dict[Tier, Warmth] = Field(default_factory=dict)
    # What a tier takes beside cores; what is not said is not reckoned with.
    resources: dict[Tier, Resources] = Field(default_factory=dict)
    # How well they predicted the largest storms of the measurement; of demands that were put
    # together in another way, nothing.
    held_out: list[Prediction] = Field(default_factory=list)

    @model_validator(mode="after")
    def _complete(self) -> Demands:
        for name, journey in self.journeys.items():
            if bool(journey.clocked) != (name == EXAM):
                raise ValueError(
                    f"`clock` belongs to the requests of {EXAM}, and `{name}` is wrong"
                )
            for request in journey.requests:
                there = self.work.get(request.name, {})
                for tier in request.path:
                    if tier not in there:
                        raise ValueError(f"`work.{request.name}` has no {tier}, which it visits")
        return self

    @classmethod
    def read(cls, path: Path) -> Demands:
        """Read the file at `path`, or raise InputError."""
        return validated(cls, read_yaml(path), path)

    def on(self, speed: float) -> Demands:
        """Return what everything takes on cores that are so many times as fast."""
        work = {
            request: {tier: one.on(speed) for tier, one in there.items()}
            for request, there in self.work.items()
        }
        return self.model_copy(update={"work": work, "connection": self.connection.on(speed)})

    def journey(self, name: str, source: object) -> Journey:
        """Return the journey called `name`; InputError names `source` where it is not there."""
        if name not in self.journeys:
            raise InputError(source, f"journeys.{name}", "missing", "add it, or choose a profile")
        return self.journeys[name]
