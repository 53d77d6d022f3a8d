"""What a measurement rings and in which order, and how long that takes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_serializer

from klokken.capacity.demands import Demands
from klokken.capacity.measure.errands import errands
from klokken.capacity.platform import Platform
from klokken.document import Document
from klokken.profile import Profile
from klokken.results import MachineFacts, Whole
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from klokken.capacity.measure.steps import Step

# Seconds of a step that are rung and not measured, and that are. Both are whole spans of the
# record's histograms.
WARM_UP, MEASURED = 10, 30
# What a storm takes beside its arrivals, and a start until its hosts answer again; as a lab on
# two cores was seen to take.
OVERHEAD_SECONDS = 14.0
START_SECONDS = 45.0
# After a start, before anything is rung: what the site uses when nobody is there.
SETTLE = 15.0

# An exam that is rung as a step runs so many times as fast. Its pupils sign in within so many
# seconds, which is its warm-up, ask for the paper within so many of its start, each at a moment of
# their own, write, and hand in within the last.
COMPRESSION = 30
SIGNING_IN, EXAM_STARTS, PAPERS, HANDING_IN, EXAM_LENGTH = 8, 12, 10, 10, 47
# Each is whole spans of the record's histograms. What comes or ends in one does so two seconds from
# its edges, which CPU that is read every two seconds blurs; saves go on over those within.
WINDOWS = ((10, 25), (25, 35), (35, 50))
# In every second size a token is renewed when it is so old, in seconds: where it comes with
# everything in the same proportion, a renewal could not be told from a save.
RENEWAL = 2
# Seconds between two saves, least and most: as dense as the other stretches are.
SAVES = (1, 2)

# The phases after a start, by how many logins have been completed since: a JIT compiles what was
# called often, whatever the time it took. 500 and 1,500 divide the logins of Keycloak 26 into
# thirds of very different cost (79, 50 and 42 to 30 ms of CPU on one machine), and 1,500 is what
# the role `identity` warms a node up with before the edge gives it traffic.
COLD, WARM = 500, 1500
# The storm that takes a start through them, as seconds and logins a second: slow enough that
# cold hosts keep up on two cores, some more logins than needed since a few may fail. The last
# 1,800 settle what is warm: without them a login got a quarter cheaper over the steps of a start,
# and a compiler at work took a core for seconds in the midst of one.
WARMING: tuple[tuple[int, float], ...] = ((20, 2.0), (92, 5.0), (130, 8.0), (180, 10.0))
# The last seconds of that storm, from which the knee is guessed.
GUESSED = 30

LEAST_STEPS, LEAST_STARTS = 8, 3
# Storms of one step, and fresh starts of one number, of which the first may not have counted.
TRIES = 2


class Plan(Document):
    """A measurement before it begins; the first line of its steps.

    `cores` are those of all hosts of a tier; where these are `shared`, as in a lab, all of them
    have the `machine`'s, which count once. `in_cell` are the accounts of the drive's cell that
    somebody of a profile comes to, on average, where its journey visits the drive; `most` are the
    highest rates of profiles, or the pupils of the largest exam, guessed where a profile has none.
    `demands` and `platform` are what was known before, as the files had it: who goes on with the
    run reckons with the same.
    """

    kind: Literal["plan"] = "plan"
    schema_version: Literal[4] = 4
    run: str
    stack: str
    began: datetime
    seed: Whole
    steps: Annotated[int, Field(ge=LEAST_STEPS, le=100)]
    repeats: Annotated[int, Field(ge=1, le=20)]
    starts: Annotated[int, Field(ge=LEAST_STARTS, le=20)]
    most: dict[str, Annotated[float, Field(gt=0)]]
    profiles: Annotated[list[Profile], Field(min_length=1)]
    shared: bool
    cores: dict[Tier, int]
    nodes: dict[Tier, int]
    in_cell: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    machine: MachineFacts
    versions: dict[str, str]
    demands: Demands
    platform: Platform

    @field_serializer("demands", "platform")
    def _as_written(self, kept: Demands | Platform) -> dict[str, Any]:
        """Return no more than the file had, so that what is made of it has no more either."""
        return kept.model_dump(mode="json", exclude_unset=True)

    @property
    def journeys(self) -> list[str]:
        """The journeys that it measures, each once."""
        return list(dict.fromkeys(str(profile.journey) for profile in self.profiles))

    @property
    def errands(self) -> list[str]:
        """The names of what is counted and fitted of its journeys."""
        known = errands(self.demands).values()
        return [one.name for name in self.journeys for one in known if one.journey == name]

    @property
    def steady(self) -> list[Profile]:
        """The profiles that are rung at a steady rate: all but exams."""
        return [profile for profile in self.profiles if not profile.exam]

    @property
    def storms(self) -> int:
        """How many storms it has, beside those that take each start through its phases."""
        return self.starts * self.steps * self.repeats * len(self.profiles)

    @property
    def seconds(self) -> float:
        """How long it takes, where no step must be rung again."""
        warming = sum(seconds for seconds, _ in WARMING) + OVERHEAD_SECONDS
        return self.starts * (START_SECONDS + SETTLE + warming) + self._stepping

    @property
    def most_seconds(self) -> float:
        """How long it takes, where every step must be rung again."""
        return self.seconds + (TRIES - 1) * self._stepping

    @property
    def _stepping(self) -> float:
        lengths = [EXAM_LENGTH if p.exam else WARM_UP + MEASURED for p in self.profiles]
        each = sum(length + OVERHEAD_SECONDS for length in lengths)
        return self.starts * self.steps * self.repeats * each


@dataclass(frozen=True, slots=True)
class Turn:
    """One storm to ring: of which profile, at which rate of it, and which of its repeats.

    The rate of an exam is how many pupils sit it.
    """

    profile: str
    rate: float
    repeat: int


def steady_rates(most: float, steps: int) -> list[float]:
    """Return evenly spaced rates up to `most` a second, rounded so that they read well."""
    return [float(f"{most * (n + 1) / steps:.3g}") for n in range(steps)]


def sizes(most: float, steps: int) -> list[float]:
    """Return the pupils of evenly spaced exams up to the largest, of `most`."""
    return [float(round(most * (n + 1) / steps)) for n in range(steps)]


def renews(sizes: list[float], size: float) -> bool:
    """Say whether tokens are renewed in an exam of this size: every second, the largest too."""
    return (len(sizes) - sizes.index(size)) % 2 == 1


def turns(plan: Plan, rates: dict[str, list[float]], start: int) -> list[Turn]:
    """Return every turn of a start, in an order drawn by the seed: load must not follow time.

    The largest rates, which are held out, come in the middle: a node gets cheaper with each login
    still, and there it is as the other steps are on average.
    """
    every = [
        Turn(profile, rate, repeat)
        for profile, several in rates.items()
        for rate in several
        for repeat in range(plan.repeats)
    ]
    order = np.random.Generator(np.random.Philox([plan.seed, start])).permutation(len(every))
    drawn = [every[n] for n in order]
    largest = [turn for turn in drawn if turn.rate == rates[turn.profile][-1]]
    others = [turn for turn in drawn if turn not in largest]
    middle = len(others) // 2
    return others[:middle] + largest + others[middle:]


def next_turn(every: list[Turn], rung: Iterable[Step]) -> Turn | None:
    """Return what to ring next: what was never rung, then what does not count and may be again.

    A site that falls short at the largest rate of a profile has told what it does there: it is
    not asked until it does better.
    """
    largest = {turn.profile: turn.rate for turn in sorted(every, key=lambda turn: turn.rate)}
    tried: dict[Turn, list[bool]] = {turn: [] for turn in every}
    for step in rung:
        turn = Turn(step.profile, step.rate, step.repeat)
        if turn in tried:
            told = not step.excluded and step.rate == largest[step.profile]
            tried[turn].append(step.fits or told)
    for most in range(TRIES):
        for turn, outcomes in tried.items():
            if len(outcomes) == most and not any(outcomes):
                return turn
    return None
