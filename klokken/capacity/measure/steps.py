"""The lines of steps.jsonl: the plan, each start of the services, and each step that was rung.

A line is written when what it tells of is over, and never changed: a measurement that was
killed goes on behind its last whole line.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from klokken.capacity.measure.schedule import Plan
from klokken.capacity.measure.usage import Usage
from klokken.document import Document
from klokken.errors import InputError, MachineError
from klokken.results import Latency, Seconds, Whole
from klokken.topology import Tier

if TYPE_CHECKING:
    from pathlib import Path

NAME = "steps.jsonl"

Phase = Literal["cold", "warming", "guess", "warm"]


class Start(Document):
    """A fresh start of the services, and what the site used before anybody came.

    `begun` is when each host's service began, in Unix seconds: another time is another start. A
    later line of the same number takes the place of this one and of its steps.
    """

    kind: Literal["start"] = "start"
    number: Annotated[int, Field(ge=1)]
    begun: dict[str, float]
    idle: Usage


class Rates(Document):
    """The rates of each profile, a second, and the knee that was guessed for them, 0 for none."""

    kind: Literal["rates"] = "rates"
    knee: Seconds
    rates: dict[str, list[float]]


class Writing(Document):
    """Bytes that each tier wrote to disk between two moments, and the journeys completed then."""

    seconds: Seconds
    journeys: Whole
    written: dict[Tier, Seconds]


class Window(Document):
    """What was done in so many `seconds`, and what tiers used meanwhile, in cores by group.

    `errands` counts what was begun and done; who was amid it counts in part.
    """

    seconds: Seconds
    errands: dict[str, Seconds]
    cpu: dict[Tier, dict[str, Seconds]]

    def cores(self, tier: Tier) -> float:
        """Return what all groups of a tier used."""
        return sum(self.cpu[tier].values())

    def rate(self, errand: str) -> float:
        """Return how often an errand was done a second."""
        return self.errands.get(errand, 0.0) / self.seconds


class Step(Document):
    """A stretch of a storm: `seconds` from the Unix time `began`, at so many journeys a second.

    `offered` and `completed` count in the stretch. `whole` is the time from when a pupil was
    due to the end of the journey, `service` that of each request from when it was sent.
    `writing` is of the whole storm, and the moments before and after it. `excluded` says why a
    step counts for nothing, `short` in what the site fell short of its load: that is no load to fit
    demands to, and what they must predict.

    The `rate` of an exam is how many pupils sit it, `offered` are all of them, and `whole` is the
    time that an autosave takes. Its `windows` are what demands are fitted to; in some exams
    tokens are renewed (`renews`).
    """

    kind: Literal["step"] = "step"
    start: Annotated[int, Field(ge=1)]
    phase: Phase
    profile: str
    journey: str
    rate: Seconds
    repeat: Whole
    seed: Whole
    began: Seconds
    seconds: Seconds
    offered: Whole
    completed: Whole
    failed: Whole
    lateness_p999: Seconds
    whole: Latency
    service: dict[str, Latency]
    usage: Usage
    writing: Writing
    excluded: list[str]
    short: list[str]
    windows: list[Window] = Field(default_factory=list)
    renews: bool = False

    @property
    def fits(self) -> bool:
        """Whether demands may be fitted to it."""
        return not (self.excluded or self.short)

    @property
    def achieved(self) -> float:
        """Journeys completed a second."""
        return self.completed / self.seconds

    @property
    def load(self) -> str:
        """What was rung, in words."""
        if self.windows:
            return f"{self.profile} of {self.rate:g} pupils"
        return f"{self.rate:g} {self.profile} a second"

    @property
    def rows(self) -> list[Window]:
        """What demands are fitted to: the windows of an exam, or all of it in one."""
        cpu = {tier: use.cpu for tier, use in self.usage.tiers.items()}
        whole = Window(seconds=self.seconds, errands={self.journey: self.completed}, cpu=cpu)
        return self.windows or [whole]

    @property
    def done(self) -> dict[str, float]:
        """How often each errand was done a second, over all of it."""
        names = dict.fromkeys(name for row in self.rows for name in row.errands)
        return {n: sum(r.errands.get(n, 0.0) for r in self.rows) / self.seconds for n in names}


Line = Annotated[Plan | Start | Rates | Step, Field(discriminator="kind")]
_LINE: TypeAdapter[Plan | Start | Rates | Step] = TypeAdapter(Line)


class Steps:
    """What is known of a measurement so far, and the file that it is put down in."""

    def __init__(self, path: Path, plan: Plan) -> None:
        """Begin with nothing but the plan."""
        self.path = path
        self.plan = plan
        self.starts: dict[int, Start] = {}
        self.rates: Rates | None = None
        self.steps: list[Step] = []
        self.torn = ""

    @classmethod
    def begin(cls, path: Path, plan: Plan) -> Steps:
        """Make the file of a measurement; raise MachineError where it cannot be written."""
        found = cls(path, plan)
        try:
            path.parent.mkdir(parents=True)
        except OSError as error:
            raise MachineError(f"{path.parent}: cannot be made ({error.strerror})") from None
        found._append(plan)
        return found

    @classmethod
    def read(cls, path: Path) -> Steps:
        """Read a measurement to go on with, or to reckon from.

        A last line that is torn is dropped, from the file as well when something is added, and
        `torn` says so. InputError tells of anything else that is no whole line.
        """
        try:
            text = path.read_bytes().decode("utf-8", "replace")
        except OSError as error:
            raise InputError(path, "", f"cannot be read ({error.strerror})", "name a run") from None
        whole, newline, rest = text.rpartition("\n")
        lines = whole.splitlines() if newline else []
        if not lines:
            raise InputError(path, "line 1", "holds no whole line", "measure again")
        parsed = [_parsed(line, path, number) for number, line in enumerate(lines, 1)]
        first = parsed[0]
        if not isinstance(first, Plan):
            raise InputError(path, "line 1", "is not the plan of a measurement", "measure again")
        found = cls(path, first)
        for number, entry in enumerate(parsed[1:], 2):
            if isinstance(entry, Plan):
                raise InputError(path, f"line {number}", "is a second plan", "measure again")
            found._take(entry)
        if rest:
            found.torn = f"{path}: line {len(lines) + 1} is torn and was dropped"
        return found

    def add(self, entry: Start | Rates | Step) -> None:
        """Put an entry down, on the disk when this returns."""
        self._append(entry)
        self._take(entry)

    def of(self, start: int) -> list[Step]:
        """Return every step of a start."""
        return [step for step in self.steps if step.start == start]

    def warm(self) -> list[Step]:
        """Return the warm steps that count, also where the site fell short."""
        return [step for step in self.steps if step.phase == "warm" and not step.excluded]

    def _take(self, entry: Start | Rates | Step) -> None:
        match entry:
            case Start():
                self.starts[entry.number] = entry
                self.steps = [step for step in self.steps if step.start != entry.number]
            case Rates():
                self.rates = entry
            case Step():
                self.steps.append(entry)

    def _append(self, entry: Plan | Start | Rates | Step) -> None:
        try:
            with self.path.open("ab") as file:
                if self.torn:
                    file.truncate(self.path.read_bytes().rfind(b"\n") + 1)
                    self.torn = ""
                file.write(entry.model_dump_json().encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise MachineError(f"{self.path}: cannot be written ({error.strerror})") from None


def _parsed(line: str, path: Path, number: int) -> Plan | Start | Rates | Step:
    try:
        return _LINE.validate_python(json.loads(line))
    except (ValueError, ValidationError):
        raise InputError(
            path, f"line {number}", "is not a whole line of a measurement", "measure again"
        ) from None
