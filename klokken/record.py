"""The record of a storm as the load generator writes it, merged over all workers.

Times are seconds since the storm's `opens`, which was at the wall time `began`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, ValidationError

from klokken.document import Document
from klokken.errors import MachineError
from klokken.results import Footprint, Seconds, Whole, Writes

if TYPE_CHECKING:
    from pathlib import Path

# Histograms are kept for stretches of this many seconds.
SPAN_SECONDS = 5
# The classes and the kind under which a generator's own lateness is kept: of pupils who were
# due, and of those whom it woke from a wait inside their journey.
ARRIVAL, WAKE = "arrival", "wake"
LATENESS = "lateness"
# The cause of a failure of the generator's own making, which no site may be judged by.
INTERNAL = "internal error"
# The causes of what the pupils of a worker that is gone, or was stopped in mid-storm, have missed.
WORKER_LOST = "worker lost"
WORKER_STOPPED = "worker stopped"

Kind = Literal["intended", "service", "think", "lateness"]


class ClassCounts(Document):
    """What became of the requests of one class; `abandoned` are those that nobody waited for.

    `left_out` came due and were never sent, and are no requests.
    """

    requests: Whole
    ok: Whole
    failures: dict[str, Whole]
    abandoned: Whole = 0
    retries: Whole = 0
    left_out: Whole = 0


class SecondCounts(Document):
    """Journeys by second: offered and dropped by due time, started by start, others by end."""

    offered: list[Whole]
    started: list[Whole]
    completed: list[Whole]
    failed: list[Whole]
    abandoned: list[Whole]
    dropped: list[Whole]


class Span(Document):
    """One histogram (`hdr`, base64 V2 in microseconds) of SPAN_SECONDS from `start`, by end."""

    start: Whole
    request_class: str
    kind: Kind
    hdr: str


class WorkerRecord(Document):
    """One worker process: its pupils `first` to `end` - 1 and what it used.

    `offered` are those of its pupils who took part. CPU is in cores, one figure for each
    second it reported; `stolen` is what others took from its machine, all cores together.
    """

    name: str
    first: Whole
    end: Whole
    offered: Whole
    cpu: list[Seconds]
    stolen: list[Seconds] = Field(default_factory=list)
    memory_bytes: Whole
    lost: bool
    footprint: Footprint = Footprint()


class Record(Document):
    """What the load generator knows of a storm; `cut_short` says why it ended before its time.

    `master_cpu` is in cores, one figure a second; of a master that was lost there is none.
    """

    run: str
    began: float
    finished: float
    seconds: SecondCounts
    classes: dict[str, ClassCounts]
    spans: list[Span]
    dropped: dict[str, Whole]
    writes: Writes = Writes()
    workers: list[WorkerRecord]
    master_cpu: list[Seconds] = Field(default_factory=list)
    versions: dict[str, str]
    cut_short: str = ""

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read the record at `path`; raise MachineError where a storm left none that is whole."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise MachineError(f"{path}: the storm left no record") from None
        except (OSError, ValidationError) as error:
            first = str(error).splitlines()[0]
            raise MachineError(f"{path}: the storm's record cannot be read ({first})") from None
