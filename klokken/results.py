"""The complete record of a storm: what was asked, what happened, and the verdict.

A run's folder `results/<run>/` holds `results.json` (a `Results`), `latency.hlog` (every
histogram, in the HdrHistogram log format), `report.html` and, of an exam, `writes.jsonl`,
`audit.json`, `faults.json` and `logins.jsonl`.
"""

from __future__ import annotations

from datetime import datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from klokken.curve import seconds
from klokken.document import Document, read_yaml, validated
from klokken.errors import InputError
from klokken.population import teachers
from klokken.profile import Profile, Title
from klokken.retries import Retries

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA_VERSION: Literal[3] = 3

Whole = Annotated[int, Field(ge=0)]
# What the counters that all is drawn from take, beside the number of a pupil.
Seed = Annotated[int, Field(ge=0, lt=2**64)]
Seconds = Annotated[float, Field(ge=0)]


class Verdict(StrEnum):
    """PASS and FAIL judge the platform; INVALID says that the storm cannot judge it.

    DRY is the verdict on a dry run, in which there was no platform: the load generator kept its
    own limits.
    """

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INVALID = "INVALID"
    DRY = "DRY"


class StormPlan(Document):
    """A storm fully resolved, as the master and the workers receive it.

    Numbers run from 0 to `people` - 1, the pupils first; those whose due time lies in
    [`opens`, `closes`) take part, `offered` of them. All times of an exam, and of a dry run, are
    divided by `compression`, time-outs and pauses between attempts are not. A drive cell's URL
    is at its number less one in `cell_urls`. `patience_seconds` is that of everyone where the
    profile says nothing of `people`. In a dry run nothing is sent anywhere: the load generator
    itself gives every answer after `dry_answer_seconds`.
    """

    # A folder's name, here and on the load generator.
    run: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    stack: str
    profile: Profile
    fraction: Annotated[float, Field(gt=0, le=1)]
    seed: Seed
    pupils: Annotated[int, Field(ge=1)]
    opens: time
    closes: time
    offered: Annotated[int, Field(ge=1)]
    workers: Annotated[int, Field(ge=1)]
    login_url: str
    portal_url: str
    cell_urls: Annotated[list[str], Field(min_length=1)]
    client_id: str
    realm: str
    patience_seconds: Seconds = 30.0
    retries: Retries = Retries()
    compression: Annotated[float, Field(ge=1, le=1000)] = 1.0
    dry_answer_seconds: Seconds | None = None

    @property
    def dry(self) -> bool:
        """Whether no site is asked."""
        return self.dry_answer_seconds is not None

    @property
    def people(self) -> int:
        """How many there are to draw due times for; in a morning teachers come as well."""
        with_teachers = self.profile.journey == "morning"
        return self.pupils + (teachers(self.pupils) if with_teachers else 0)

    @property
    def longest_patience(self) -> float:
        """How much waiting nobody outlasts, in seconds; an exam is sat to its end."""
        people = self.profile.people
        return people.patience.longest if people else self.patience_seconds


class Latency(Document):
    """A latency distribution, in seconds, from one exact merged histogram."""

    count: Whole
    p50: Seconds
    p95: Seconds
    p99: Seconds
    p999: Seconds
    max: Seconds


NO_LATENCY = Latency(count=0, p50=0, p95=0, p99=0, p999=0, max=0)


class ClassResult(Document):
    """What became of one request class (or of whole journeys, under the journey's name).

    `intended` counts from when the pupil was due or, later on, first meant to send the request;
    `service` from when it was sent. Every attempt is a request; `retries` are the attempts that
    were not the first. `abandoned` are those whose pupil left before the answer. `left_out` are
    no requests: they came due while the one before was still under way, and were never sent.
    """

    requests: Whole
    ok: Whole
    retries: Whole = 0
    left_out: Whole = 0
    failures: dict[str, Whole]
    abandoned: Whole = 0
    intended: Latency
    service: Latency


class Interval(Document):
    """One stretch of the storm: counts of journeys by the second they belong to.

    `offered` and `dropped` count by due time, `started` by start, the others by end.
    """

    start: Whole
    seconds: Annotated[int, Field(ge=1)]
    offered: Whole
    started: Whole
    completed: Whole
    failed: Whole
    abandoned: Whole
    dropped: Whole
    latency: dict[str, Latency]


class Footprint(Document):
    """What a worker needed, or all of them: before the bell, and over the whole storm.

    `schedule_seconds` is from the moment a worker was given its pupils to when all were ready,
    the slowest worker's; `schedule_bytes` what they took then, and `resident_bytes` and
    `proportional_bytes` (shared pages divided among who shares them) what the processes did.
    `cpu_seconds` counts from then on.
    """

    schedule_seconds: Seconds = 0.0
    schedule_bytes: Whole = 0
    resident_bytes: Whole = 0
    proportional_bytes: Whole = 0
    cpu_seconds: Seconds = 0.0


class Generator(Document):
    """How the load generator itself fared. CPU is in cores, summed and of the busiest worker.

    `lateness` is that of pupils who were due, `wakes` of those who had waited in their journey.
    `stolen_worst` is the most that others took from a worker's machine in a second, all its cores
    together. `cpu_master` is of the process that adds up what workers report, in its busiest
    seconds. `memory_bytes` is the most that each worker held, summed; `cut_short` says why a
    storm ended before its time.
    """

    workers: Whole
    lateness: Latency
    wakes: Latency = NO_LATENCY
    cpu_mean: Seconds
    cpu_busiest: Seconds
    cpu_master: Seconds = 0.0
    stolen_worst: Seconds = 0.0
    memory_bytes: Whole
    lost_workers: Whole
    cut_short: str = ""
    footprint: Footprint = Footprint()


class TierCpu(Document):
    """CPU of one tier by process group, in cores (CPU-seconds a second), sampled over the storm."""

    step_seconds: Seconds
    start: float
    groups: dict[str, list[float | None]]


class Judgement(Document):
    """One service level, kept or not."""

    request_class: str
    what: str
    limit: float
    measured: float
    kept: bool


class MachineFacts(Document):
    """The machine that a lab ran on, or one host of a site."""

    cpu_model: str
    cores: Whole
    memory_bytes: Whole
    kernel: str


class Writes(Document):
    """What became of the writes of an exam, by the lines of its log."""

    attempted: Whole = 0
    acknowledged: Whole = 0
    refused: Whole = 0
    unknown: Whole = 0
    handins: Whole = 0
    late: Whole = 0


class Results(Document):
    """Everything known of one storm; `think` is how long people thought on their whole way."""

    schema_version: Literal[3] = SCHEMA_VERSION
    title: Title
    started: datetime
    finished: datetime
    plan: StormPlan
    versions: dict[str, str]
    machine: MachineFacts
    offered: Whole
    started_journeys: Whole
    completed: Whole
    failed: Whole
    abandoned: Whole
    dropped: Whole
    classes: dict[str, ClassResult]
    think: Latency | None = None
    writes: Writes = Writes()
    intervals: list[Interval]
    generator: Generator
    tiers: dict[str, TierCpu]
    judgements: list[Judgement]
    invalid_because: list[str]
    verdict: Verdict

    @classmethod
    def read(cls, path: Path) -> Results:
        """Read the results at `path`; raise InputError, also where an older Klokken wrote them."""
        found = read_yaml(path)
        version = found.get("schema_version") if isinstance(found, dict) else SCHEMA_VERSION
        if version != SCHEMA_VERSION:
            raise InputError(
                path,
                "schema_version",
                f"is {version}, and this Klokken reads {SCHEMA_VERSION}",
                "ring the storm again, or read it with the Klokken that wrote it",
            )
        return validated(cls, found, path)

    @property
    def rate(self) -> float:
        """How many journeys were due a second, on average over the window as it was run."""
        opens, closes = seconds(self.plan.opens), seconds(self.plan.closes)
        return self.offered * self.plan.compression / (closes - opens)
