"""Histograms add up exactly over workers, and other HdrHistogram tools read what is written."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken import histogram
from klokken.paths import cache_folder
from klokken.record import SPAN_SECONDS, Record, Span
from klokken.storm.outcome import histogram_log
from tests.examples import examples
from tests.unit.test_verdict import record

if TYPE_CHECKING:
    from pathlib import Path

READER = cache_folder() / "tools" / "bin" / "hdr-read"
VALUES = st.lists(st.floats(0, 4000), max_size=60)
# What a request of an exam takes whose every attempt times out.
LAST = 480.0


def of(values: list[float]) -> HdrHistogram:
    found = histogram.empty()
    for value in values:
        histogram.add(found, value)
    return found


@given(st.lists(VALUES, min_size=1, max_size=6))
@settings(max_examples=examples(60))
def test_the_parts_of_any_split_merge_to_the_whole(parts: list[list[float]]) -> None:
    whole = of([value for part in parts for value in part])
    merged = histogram.merged(histogram.encoded(of(part)) for part in parts)
    assert bytes(merged.counts) == bytes(whole.counts)
    assert histogram.latency(merged) == histogram.latency(whole)


@given(VALUES, VALUES)
@settings(max_examples=examples(30))
def test_the_order_of_workers_makes_no_difference(one: list[float], other: list[float]) -> None:
    a, b = histogram.encoded(of(one)), histogram.encoded(of(other))
    assert bytes(histogram.merged([a, b]).counts) == bytes(histogram.merged([b, a]).counts)


def test_a_percentile_is_that_of_all_values_and_no_mean_of_the_workers() -> None:
    quick, slow = of([0.1] * 990), of([5.0] * 10)
    found = histogram.latency(histogram.merged(map(histogram.encoded, (quick, slow))))
    assert found.count == 1000
    assert found.p99 == pytest.approx(0.1, rel=1e-3)
    assert found.p999 == pytest.approx(5.0, rel=1e-3)


def test_a_request_that_took_many_attempts_is_told_from_one_that_took_fewer() -> None:
    found = histogram.latency(of([150.0, LAST]))
    assert found.p50 == pytest.approx(150.0, rel=1e-3)
    assert found.max == pytest.approx(LAST, rel=1e-3)


def test_a_histogram_that_ends_earlier_is_added_all_the_same() -> None:
    earlier = HdrHistogram(1, 120_000_000, 3)
    for seconds in (0.25, 30.0, 110.0):
        earlier.record_value(int(seconds * 1e6))
    found = histogram.latency(histogram.merged([histogram.encoded(earlier)]))
    assert found.count == 3
    assert [found.p50, found.max] == pytest.approx([30.0, 110.0], rel=1e-3)


def storm() -> Record:
    """Return the record of a storm in which latencies are spread as real ones are."""
    source = np.random.default_rng(1)
    spans = [
        Span(
            start=start,
            request_class=name,
            kind=kind,
            hdr=histogram.encoded(of([LAST, *source.lognormal(-1.5, 1.2, 200 + start)])),
        )
        for start in range(0, 4 * SPAN_SECONDS, SPAN_SECONDS)
        for name, kind in (("login", "intended"), ("login", "service"), ("login", "think"))
    ]
    return record(spans=spans)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Return what HdrHistogram's Go library reads from our log."""
    if not READER.exists():
        pytest.fail("there is no reader to compare with; run `tools/setup test`", pytrace=False)
    log: Path = tmp_path_factory.mktemp("log") / "latency.hlog"
    log.write_text(histogram_log(storm()))
    done = subprocess.run([READER, log], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def figures(found: HdrHistogram) -> dict[str, Any]:
    """Return what the other reader tells of a histogram, in microseconds, as we see it."""
    ours = histogram.latency(found)
    values = [round(value * 1e6) for value in (ours.p50, ours.p95, ours.p99, ours.p999)]
    return {"count": ours.count, "values": values, "max": round(ours.max * 1e6)}


def shared(line: dict[str, Any]) -> dict[str, Any]:
    # That library gives the end of a bucket, ours what was measured where that is less.
    values = [min(value, line["max"]) for value in line["values"]]
    return {"count": line["count"], "values": values, "max": line["max"]}


def test_another_library_reads_each_interval_of_the_log(told: list[dict[str, Any]]) -> None:
    original = storm()
    intervals = [line for line in told if not line["sum"]]
    assert len(intervals) == len(original.spans)
    for line, span in zip(intervals, original.spans, strict=True):
        began = (original.began + span.start) * 1000
        assert line["tag"] == f"{span.request_class}/{span.kind}"
        assert (line["start_ms"], line["end_ms"]) == (began, began + SPAN_SECONDS * 1000)
        assert shared(line) == figures(histogram.merged([span.hdr]))


def test_another_library_adds_the_intervals_up_to_the_same(told: list[dict[str, Any]]) -> None:
    sums = {line["tag"]: shared(line) for line in told if line["sum"]}
    assert sums == {
        tag: figures(histogram.merged(s.hdr for s in storm().spans if s.kind == kind))
        for tag, kind in (
            ("login/intended", "intended"),
            ("login/service", "service"),
            ("login/think", "think"),
        )
    }
