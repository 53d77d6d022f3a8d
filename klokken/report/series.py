"""A storm over time, thinned to what a picture or a table can show, with no count lost."""

from __future__ import annotations

from klokken.results import Interval, Latency


def thinned(intervals: list[Interval], most: int) -> list[Interval]:
    """Join neighbouring intervals until there are at most `most`.

    Counts are summed. Percentiles cannot be: a joined interval has the worst of each.
    """
    size = stride(len(intervals), most)
    if size == 1:
        return list(intervals)
    return [_joined(intervals[at : at + size]) for at in range(0, len(intervals), size)]


def stride(length: int, most: int) -> int:
    """Return how many neighbours become one, so that `length` shrinks to at most `most`."""
    return max(1, -(-length // most))


def _joined(parts: list[Interval]) -> Interval:
    first, last = parts[0], parts[-1]
    classes = dict.fromkeys(name for part in parts for name in part.latency)
    return Interval(
        start=first.start,
        seconds=last.start + last.seconds - first.start,
        offered=sum(part.offered for part in parts),
        started=sum(part.started for part in parts),
        completed=sum(part.completed for part in parts),
        failed=sum(part.failed for part in parts),
        abandoned=sum(part.abandoned for part in parts),
        dropped=sum(part.dropped for part in parts),
        latency={
            name: _worst([part.latency[name] for part in parts if name in part.latency])
            for name in classes
        },
    )


def _worst(parts: list[Latency]) -> Latency:
    return Latency(
        count=sum(part.count for part in parts),
        p50=max(part.p50 for part in parts),
        p95=max(part.p95 for part in parts),
        p99=max(part.p99 for part in parts),
        p999=max(part.p999 for part in parts),
        max=max(part.max for part in parts),
    )


def rates(intervals: list[Interval], count: str) -> list[float]:
    """Return the field `count` of each interval as a number a second."""
    return [getattr(interval, count) / interval.seconds for interval in intervals]


def percentile(intervals: list[Interval], name: str, which: str) -> list[float | None]:
    """Return one percentile of class `name` in each interval; None where nothing was measured."""
    found = [interval.latency.get(name) for interval in intervals]
    return [getattr(latency, which) if latency and latency.count else None for latency in found]


def means(samples: list[float | None], most: int) -> list[float | None]:
    """Return `samples` thinned to at most `most` by the mean of neighbours; None stays a gap."""
    size = stride(len(samples), most)
    return [mean(samples[at : at + size]) for at in range(0, len(samples), size)]


def mean(samples: list[float | None]) -> float | None:
    """Return the mean of the samples that there are."""
    there = [sample for sample in samples if sample is not None]
    return sum(there) / len(there) if there else None


def highest(samples: list[float | None]) -> float | None:
    """Return the highest of the samples that there are."""
    return max((sample for sample in samples if sample is not None), default=None)
