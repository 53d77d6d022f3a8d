from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken import histogram
from klokken.record import WORKER_LOST
from loadtests.ledger import Ledger, Page
from loadtests.record import Recorder
from tests.examples import examples

if TYPE_CHECKING:
    from klokken.record import Record

# Three seconds of latencies: (due, service time, failed).
LOGINS = st.lists(
    st.tuples(st.floats(0, 20), st.floats(0, 200), st.booleans()), min_size=1, max_size=40
)


def record_logins(recorder: Recorder, logins: list[tuple[float, float, bool]]) -> None:
    for due, took, failed in logins:
        recorder.offered(due)
        recorder.started(due, due)
        cause = "503" if failed else None
        recorder.request("login_page", due, due, due + took, cause)
        recorder.finished(due, due, due + took, ("login_page", "503") if failed else None)


def ledger_of(*parts: list[tuple[float, float, bool]], final: bool = True) -> Record:
    pages = [
        Page(f"w{n}", n, n + 1, [sum(int(d) == s for d, _, _ in part) for s in range(21)])
        for n, part in enumerate(parts)
    ]
    ledger = Ledger("a-run", pages)
    for page, part in zip(pages, parts, strict=True):
        recorder = Recorder()
        half = len(part) // 2
        record_logins(recorder, part[:half])
        first = recorder.take(now=5.0)
        record_logins(recorder, part[half:])
        # What Locust carries is what JSON could carry.
        for delta in (first, recorder.take(now=300.0, final=final)):
            ledger.add(page.name, json.loads(json.dumps(delta)), 300.0)
    return ledger.record(0.0, 1.0, {})


@given(one=LOGINS, other=LOGINS)
@settings(deadline=None, max_examples=12)
def test_two_workers_give_exactly_what_one_would_have(
    one: list[tuple[float, float, bool]], other: list[tuple[float, float, bool]]
) -> None:
    split, whole = ledger_of(one, other), ledger_of(one + other)
    assert split.seconds == whole.seconds
    assert split.classes == whole.classes
    assert [(s.start, s.request_class, s.kind) for s in split.spans] == [
        (s.start, s.request_class, s.kind) for s in whole.spans
    ]
    for a, b in zip(split.spans, whole.spans, strict=True):
        ours, theirs = histogram.merged([a.hdr]), histogram.merged([b.hdr])
        assert bytes(ours.counts) == bytes(theirs.counts)


def test_what_was_left_out_is_counted_apart_from_requests() -> None:
    ledger, recorder = Ledger("a-run", [Page("w0", 0, 1, [1])], "exam"), Recorder("exam")
    recorder.left_out("autosave")
    recorder.left_out("autosave")
    ledger.add("w0", json.loads(json.dumps(recorder.take(1.0, final=True))), 1.0)
    found = ledger.record(0.0, 1.0, {}).classes["autosave"]
    assert (found.left_out, found.requests) == (2, 0)


def test_what_a_lost_worker_did_not_report_is_accounted_for() -> None:
    page = Page("w0", 0, 10, [2, 3, 5])
    ledger = Ledger("a-run", [page])
    recorder = Recorder()
    for due in (0.1, 0.2, 1.1):
        recorder.offered(due)
        recorder.started(due, due)
    recorder.finished(0.1, 0.1, 0.5, None)
    ledger.add("w0", recorder.take(1.2), 1.2)
    record = ledger.record(0.0, 1.0, {})
    assert record.workers[0].lost
    assert record.seconds.offered == [2, 3, 5]
    assert record.seconds.dropped == [0, 2, 5]
    assert record.dropped == {WORKER_LOST: 7}
    assert record.classes["login"].failures == {WORKER_LOST: 2}
    assert sum(record.seconds.started) == 3
    assert sum(record.seconds.completed) + sum(record.seconds.failed) == 3


def test_a_silent_worker_ends_the_wait_only_when_it_alone_is_missing() -> None:
    ledger = Ledger("a-run", [Page("w0", 0, 1, [1]), Page("w1", 1, 2, [1])])
    quiet = Recorder()
    ledger.add("w0", quiet.take(9.0), 9.0)
    assert not ledger.settled(10.0, silence=5.0)
    assert [page.name for page in ledger.lost(10.0, silence=5.0)] == ["w1"]
    ledger.add("w0", quiet.take(11.0, final=True), 11.0)
    assert ledger.settled(12.0, silence=5.0)
    ledger.add("w2", quiet.take(12.0), 12.0)  # one that was given no pupils


def test_latencies_beyond_the_range_count_at_its_end() -> None:
    found = histogram.empty()
    histogram.add(found, 5000.0)
    histogram.add(found, -1.0)
    distribution = histogram.latency(found)
    assert distribution.count == 2
    assert distribution.max == pytest.approx(3600.0, rel=1e-3)


@given(st.lists(st.floats(1e-6, 3599), min_size=1, max_size=300))
@settings(deadline=None, max_examples=examples(30))
def test_percentiles_are_those_of_the_hdr_library(values: list[float]) -> None:
    found = histogram.empty()
    for value in values:
        histogram.add(found, value)
    ours = histogram.latency(found)
    for percentile, value in ((50, ours.p50), (95, ours.p95), (99, ours.p99), (99.9, ours.p999)):
        theirs = min(found.get_value_at_percentile(percentile), found.get_max_value())
        assert value == theirs / 1e6
