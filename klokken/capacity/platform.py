"""A platform as the simulator sees it: hosts, cores, places, queues and distances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from klokken.capacity.demands import VISITED
from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MOST_PLACES = 65_536

Seconds = Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)]
Trip = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

_KILL = re.compile(r"([a-z]+)@(\d+(?:\.\d+)?)(?:\+(\d+(?:\.\d+)?))?")


class Part(Document):
    """One tier.

    A host works at no more than `workers` requests at a time, each of which keeps its place
    while it waits for a lower tier; up to `queue` more wait, `queue_seconds` at most, and the
    rest is refused with 503. `round_trip_seconds` is between this tier and the one that calls it.

    `balance` says which host a request goes to: `spread` a fixed one drawn for the pupil,
    `least` the one with the fewest requests when the pupil first comes, kept thereafter, `cell`
    the pupil's own and no other, `first` the first that is up.

    A host that has come back is cold; one that is there from the beginning is warm, unless
    `starts_cold`. Where a further one `stands_by`, it takes the place of one that died, within
    the `takeover_seconds` that the demands have among the tier's resources.
    """

    nodes: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    cores: Annotated[int, Field(ge=1, le=1024, strict=True)]
    workers: Annotated[int, Field(ge=1, le=MOST_PLACES, strict=True)]
    queue: Annotated[int, Field(ge=0, le=10_000_000, strict=True)] = 0
    queue_seconds: Seconds = 3600.0
    balance: Literal["spread", "least", "cell", "first"]
    round_trip_seconds: Trip
    starts_cold: bool = False
    stands_by: bool = False


class Platform(Document):
    """A site: its tiers; the edge's round trip is that between pupils and the site.

    `set_up_trips` is how many round trips a new connection takes before its first request:
    one for TCP (RFC 9293) and one for TLS 1.3 (RFC 8446).
    """

    name: str
    tiers: dict[Tier, Part]
    set_up_trips: Annotated[int, Field(ge=0, le=10, strict=True)] = 2

    @model_validator(mode="after")
    def _visited(self) -> Platform:
        for tier in self.tiers:
            if tier not in VISITED:
                raise ValueError(f"`tiers` has {tier}, which no pupil's request visits")
        return self

    @classmethod
    def read(cls, path: Path) -> Platform:
        """Read the file at `path`, or raise InputError."""
        return validated(cls, read_yaml(path), path)

    def require(self, tiers: Iterable[Tier], source: object) -> None:
        """Raise InputError, which names `source`, where one of `tiers` is missing."""
        for tier in tiers:
            if tier not in self.tiers:
                raise InputError(source, f"tiers.{tier}", "missing, but the journey visits it")


@dataclass(frozen=True, slots=True)
class Kill:
    """A host of a tier dies `at` seconds after the morning opens, and may come `back`.

    It is the first one that no other kill holds down at that moment.
    """

    tier: Tier
    at: float
    back: float | None = None

    @classmethod
    def parse(cls, text: str, platform: Platform, morning: int) -> Kill:
        """Read TIER@SECOND[+SECONDS], within the seconds of a morning, or raise InputError."""
        found = _KILL.fullmatch(text)
        if not found:
            raise InputError("kill", text, "not TIER@SECOND[+SECONDS]", "write identity@480+120")
        tier, at, away = found.groups()
        if tier not in list(platform.tiers):
            there = ", ".join(platform.tiers)
            raise InputError("kill", text, "no tier of the platform", f"choose {there}")
        if float(at) >= morning:
            problem = f"the morning is over after {morning} s"
            raise InputError("kill", text, problem, "give an earlier second")
        if away and float(away) > morning:
            problem = f"is away for longer than the morning's {morning} s"
            raise InputError("kill", text, problem, f"leave out +{away}, and it never comes back")
        return cls(Tier(tier), float(at), float(at) + float(away) if away else None)
