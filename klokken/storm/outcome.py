"""The outcome of a storm: from the generator's record and the site's telemetry to `Results`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from klokken import files, histogram
from klokken.errors import MachineError
from klokken.record import ARRIVAL, LATENESS, SPAN_SECONDS, WAKE
from klokken.results import (
    ClassResult,
    Footprint,
    Generator,
    Interval,
    MachineFacts,
    Results,
    TierCpu,
)
from klokken.verdict import invalid_because, judgements, verdict

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from klokken.record import Record, Span
    from klokken.results import Latency, StormPlan

# Seconds over which a worker's CPU is averaged before the busiest stretch is taken, so that one
# odd second does not stand for it.
_BUSY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known of a storm beside the generator's record."""

    machine: MachineFacts
    versions: dict[str, str] = field(default_factory=dict)
    tiers: dict[str, TierCpu] = field(default_factory=dict)


def results(plan: StormPlan, record: Record, around: Surroundings) -> Results:
    """Return the results of the storm of `plan`, judged."""
    classes = _classes(record)
    generator = _generator(record)
    reasons = invalid_because(plan, record, generator)
    judged = [] if plan.dry else judgements(plan, classes)
    by = record.seconds
    return Results(
        title=plan.profile.title,
        started=datetime.fromtimestamp(record.began, UTC),
        finished=datetime.fromtimestamp(record.finished, UTC),
        plan=plan,
        versions=dict(sorted({**record.versions, **around.versions}.items())),
        machine=around.machine,
        offered=sum(by.offered),
        started_journeys=sum(by.started),
        completed=sum(by.completed),
        failed=sum(by.failed),
        abandoned=sum(by.abandoned),
        dropped=sum(by.dropped),
        classes=classes,
        think=_thinking(record, plan.profile.journey),
        writes=record.writes,
        intervals=_intervals(record),
        generator=generator,
        tiers=around.tiers,
        judgements=judged,
        invalid_because=reasons,
        verdict=verdict(plan, reasons, judged),
    )


def write(outcome: Results, record: Record, folder: Path) -> None:
    """Write `results.json` and `latency.hlog` into `folder`, which is made where it is missing.

    Raises MachineError where they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.write(folder / "latency.hlog", histogram_log(record))
        files.write(folder / "results.json", outcome.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise MachineError(f"{folder}: the results cannot be written ({error.strerror})") from None


def histogram_log(record: Record) -> str:
    """Return every histogram of `record` in the HdrHistogram log format, tagged class/kind.

    Values are microseconds, the column of maxima is in seconds.
    """
    began = datetime.fromtimestamp(record.began, UTC).isoformat()
    lines = [
        "#[Histogram log format version 1.3]",
        f"#[BaseTime: {record.began:.3f} (seconds since epoch)]",
        f"#[StartTime: {record.began:.3f} (seconds since epoch), {began}]",
        '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"',
    ]
    for span in record.spans:
        largest = histogram.latency(histogram.merged([span.hdr])).max
        tag = f"Tag={span.request_class}/{span.kind}"
        lines.append(f"{tag},{span.start:.3f},{SPAN_SECONDS:.3f},{largest:.6f},{span.hdr}")
    return "\n".join(lines) + "\n"


def _latency(spans: list[Span], name: str, kind: str) -> Latency:
    return histogram.latency(
        histogram.merged(s.hdr for s in spans if (s.request_class, s.kind) == (name, kind))
    )


def _classes(record: Record) -> dict[str, ClassResult]:
    return {
        name: ClassResult(
            requests=counts.requests,
            ok=counts.ok,
            failures=counts.failures,
            abandoned=counts.abandoned,
            retries=counts.retries,
            left_out=counts.left_out,
            intended=_latency(record.spans, name, "intended"),
            service=_latency(record.spans, name, "service"),
        )
        for name, counts in record.classes.items()
    }


def _thinking(record: Record, whole: str) -> Latency | None:
    """Return how long people thought on a whole journey; None where nobody did."""
    found = _latency(record.spans, whole, "think")
    return found if found.count else None


def _intervals(record: Record) -> list[Interval]:
    """Return the storm in stretches of SPAN_SECONDS, with the intended latency of each class."""
    by_start: dict[int, list[Span]] = {}
    for span in record.spans:
        by_start.setdefault(span.start, []).append(span)
    length = len(record.seconds.offered)
    return [
        Interval(
            start=start,
            seconds=SPAN_SECONDS,
            **{name: sum(by[start : start + SPAN_SECONDS]) for name, by in record.seconds},
            latency={
                span.request_class: histogram.latency(histogram.merged([span.hdr]))
                for span in by_start.get(start, [])
                if span.kind == "intended"
            },
        )
        for start in range(0, length, SPAN_SECONDS)
    ]


def _generator(record: Record) -> Generator:
    workers = record.workers
    return Generator(
        workers=len(workers),
        lateness=_latency(record.spans, ARRIVAL, LATENESS),
        wakes=_latency(record.spans, WAKE, LATENESS),
        cpu_mean=sum(sum(w.cpu) / len(w.cpu) for w in workers if w.cpu),
        cpu_busiest=max((_busiest(w.cpu) for w in workers), default=0.0),
        cpu_master=_busiest(record.master_cpu),
        stolen_worst=max((second for w in workers for second in w.stolen), default=0.0),
        memory_bytes=sum(w.memory_bytes for w in workers),
        lost_workers=sum(w.lost for w in workers),
        cut_short=record.cut_short,
        footprint=_footprint([w.footprint for w in workers]),
    )


def _footprint(found: list[Footprint]) -> Footprint:
    """Return that of all workers."""
    return Footprint(
        schedule_seconds=max((f.schedule_seconds for f in found), default=0.0),
        schedule_bytes=sum(f.schedule_bytes for f in found),
        resident_bytes=sum(f.resident_bytes for f in found),
        proportional_bytes=sum(f.proportional_bytes for f in found),
        cpu_seconds=sum(f.cpu_seconds for f in found),
    )


def _busiest(cpu: Sequence[float]) -> float:
    """Return the CPU of a process's busiest stretch, of its `cpu` by second, in cores."""
    length = min(_BUSY_SECONDS, len(cpu))
    windows = (cpu[at : at + length] for at in range(len(cpu) - length + 1))
    return max((sum(window) / length for window in windows if window), default=0.0)
