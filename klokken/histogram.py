"""Latency histograms: HDR, 1 microsecond to an hour, three significant digits.

A histogram counts in microseconds; the functions here take and give seconds. Merging is exact,
since all have the same buckets, and one of an earlier Klokken, which had fewer, keeps its counts
and three digits. Percentiles are only ever taken from a merged histogram.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hdrh.histogram import HdrHistogram

from klokken.results import Latency

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Seconds, some seven times what a request of an exam may take over all its attempts.
LONGEST = 3600.0
_MICROSECONDS = 1_000_000
_DIGITS = 3


def empty() -> HdrHistogram:
    """Return a histogram without any value."""
    return HdrHistogram(1, int(LONGEST * _MICROSECONDS), _DIGITS)


def add(histogram: HdrHistogram, seconds: float) -> None:
    """Record one value; what lies outside the range counts at its end, and is not lost."""
    histogram.record_value(int(min(max(seconds, 0.0), LONGEST) * _MICROSECONDS))


def add_all(histogram: HdrHistogram, seconds: Sequence[float]) -> None:
    """Record many values as `add` does, all at once: the library takes 3 us for each."""
    if not seconds:
        return
    bounded = np.clip(np.asarray(seconds, dtype=np.float64), 0.0, LONGEST)
    values = (bounded * _MICROSECONDS).astype(np.int64)
    # Where a value is counted: its highest bits choose a bucket, the eleven from there a counter.
    half = int(histogram.sub_bucket_half_count_magnitude)
    buckets = np.frexp((values | histogram.sub_bucket_mask).astype(np.float64))[1] - half - 1
    places = (buckets << half) + (values >> buckets)
    counted = np.bincount(places)
    counters = np.frombuffer(histogram.counts, dtype=np.uint64)
    counters[: len(counted)] += counted.astype(np.uint64)
    histogram.total_count += len(values)
    histogram.min_value = min(histogram.min_value, int(values.min()))
    histogram.max_value = max(histogram.max_value, int(values.max()))


def encoded(histogram: HdrHistogram) -> str:
    """Return the histogram in the compressed V2 format, base64."""
    return str(histogram.encode().decode("ascii"))


def merged(encodings: Iterable[str]) -> HdrHistogram:
    """Return the sum of encoded histograms."""
    total = empty()
    for encoding in encodings:
        total.decode_and_add(encoding)
    return total


def latency(histogram: HdrHistogram) -> Latency:
    """Return the distribution in seconds; all zero where nothing was recorded."""
    count = int(histogram.total_count)
    if not count:
        return Latency(count=0, p50=0, p95=0, p99=0, p999=0, max=0)
    # hdrhistogram walks 23,000 counters in Python for one percentile; this reads them once.
    totals = np.cumsum(np.frombuffer(histogram.counts, dtype=np.uint64))
    largest = float(histogram.get_max_value())

    def at(percentile: float) -> float:
        wanted = histogram.get_target_count_at_percentile(percentile)
        index = int(np.searchsorted(totals, wanted))
        value = histogram.get_highest_equivalent_value(histogram.get_value_from_index(index))
        return float(min(value, largest)) / _MICROSECONDS

    return Latency(
        count=count, p50=at(50), p95=at(95), p99=at(99), p999=at(99.9), max=largest / _MICROSECONDS
    )
