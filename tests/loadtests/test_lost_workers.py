"""Whatever pupils do and whenever a worker dies, every pupil is accounted for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from klokken import histogram
from klokken.record import WORKER_LOST, Record
from klokken.verdict import invalid_because
from loadtests.arrivals import TOO_MANY
from loadtests.ledger import Ledger, Page
from loadtests.record import ABANDONED, Recorder
from tests import storms
from tests.examples import examples

END = 40


@dataclass(frozen=True)
class Pupil:
    """One pupil of a worker: due, how late it began, how long it took and what it came to."""

    due: float
    late: float
    took: float
    fate: str


@dataclass(frozen=True)
class Lot:
    """A worker's pupils, and when it died; it reports at full seconds of its own clock."""

    pupils: list[Pupil]
    died: float | None
    reports: float


PUPILS = st.builds(
    Pupil,
    due=st.floats(0, 20, exclude_max=True),
    late=st.floats(0, 2),
    took=st.floats(0, 15),
    fate=st.sampled_from(["completed", "503", "timeout", ABANDONED, "dropped"]),
)
LOTS = st.lists(
    st.builds(
        Lot,
        pupils=st.lists(PUPILS, max_size=12),
        died=st.none() | st.floats(0, END),
        reports=st.floats(0, 1),
    ),
    min_size=1,
    max_size=4,
)


def events(pupil: Pupil) -> list[tuple[float, str]]:
    start = pupil.due + pupil.late
    if pupil.fate == "dropped":
        return [(pupil.due, "offered"), (pupil.due, "dropped")]
    return [(pupil.due, "offered"), (start, "started"), (start + pupil.took, "finished")]


def record_event(recorder: Recorder, pupil: Pupil, at: float, what: str) -> None:
    start = pupil.due + pupil.late
    match what:
        case "offered":
            recorder.offered(pupil.due)
        case "dropped":
            recorder.dropped(pupil.due, TOO_MANY)
        case "started":
            recorder.started(pupil.due, start)
        case "finished":
            failure = None if pupil.fate == "completed" else ("login_page", pupil.fate)
            recorder.request("login_page", pupil.due, start, at, failure and failure[1])
            recorder.finished(pupil.due, start, at, failure)


def page_of(number: int, lot: Lot) -> Page:
    due = [sum(int(p.due) == second for p in lot.pupils) for second in range(20)]
    return Page(f"w{number}", 12 * number, 12 * number + 12, due)


def report(ledger: Ledger, name: str, lot: Lot) -> None:
    """Hand over what the worker recorded, each second until it died or was done."""
    recorder = Recorder()
    happened = sorted(
        (at, step, number, what)
        for number, pupil in enumerate(lot.pupils)
        for step, (at, what) in enumerate(events(pupil))
    )
    for second in range(END):
        now = second + lot.reports
        if lot.died is not None and now > lot.died:
            return
        while happened and happened[0][0] <= now:
            at, _, number, what = happened.pop(0)
            record_event(recorder, lot.pupils[number], at, what)
        final = second == END - 1
        # What Locust carries is what JSON could carry.
        ledger.add(name, json.loads(json.dumps(recorder.take(now, final=final))), now)


def record_of(lots: list[Lot]) -> Record:
    pages = [page_of(number, lot) for number, lot in enumerate(lots)]
    ledger = Ledger(storms.plan(1).run, pages)
    for page, lot in zip(pages, lots, strict=True):
        report(ledger, page.name, lot)
    return ledger.record(0.0, float(END), {})


def totals(record: Record) -> dict[str, int]:
    return {name: sum(by) for name, by in record.seconds}


# Due and reported as such, and dead before the first step.
@example([Lot([Pupil(0.5, 0.5, 1.0, "completed")], died=0.9, reports=0.75)])
@given(LOTS)
@settings(max_examples=examples(150))
def test_every_pupil_is_accounted_for_whenever_a_worker_dies(lots: list[Lot]) -> None:
    record = record_of(lots)
    count = totals(record)
    assert count["offered"] == sum(len(lot.pupils) for lot in lots)
    assert count["offered"] == count["started"] + count["dropped"]
    assert count["started"] == count["completed"] + count["failed"] + count["abandoned"]
    assert count["dropped"] == sum(record.dropped.values())


@given(LOTS.filter(lambda lots: any(lot.pupils for lot in lots)))
@settings(max_examples=examples(100))
def test_the_storm_is_invalid_for_the_lost_workers_and_nothing_else(lots: list[Lot]) -> None:
    lots = [
        Lot([p for p in lot.pupils if p.fate != "dropped"], lot.died, lot.reports) for lot in lots
    ]
    record, offered = record_of(lots), sum(len(lot.pupils) for lot in lots)
    lost = sum(worker.lost for worker in record.workers)
    generator = storms.generator(offered, workers=len(lots), lost_workers=lost)
    plan = storms.plan(max(1, offered), workers=len(lots), pupils=12 * len(lots))
    reasons = invalid_because(plan, record, generator)
    if offered:
        assert [reason.partition(",")[0] for reason in reasons] == [
            f"{lost} of {len(lots)} workers were lost"
        ] * bool(lost)


@given(LOTS)
@settings(max_examples=examples(50))
def test_what_the_living_reported_is_kept(lots: list[Lot]) -> None:
    living = [lot for lot in lots if lot.died is None]
    whole, alone = record_of(lots), record_of(living)
    ours, theirs = totals(whole), totals(alone)
    assert all(ours[name] >= theirs[name] for name in theirs)
    kept, by = whole.classes.get("login"), alone.classes.get("login")
    assert (kept.ok if kept else 0) >= (by.ok if by else 0)
    assert sum(count(whole)) >= sum(count(alone))


def count(record: Record) -> list[int]:
    return [histogram.latency(histogram.merged([span.hdr])).count for span in record.spans]


def test_who_had_begun_has_failed_and_who_had_not_was_dropped() -> None:
    pupils = [
        Pupil(0.2, 0.0, 0.5, "completed"),
        Pupil(0.4, 0.0, 9.0, "completed"),
        Pupil(0.6, 0.0, 0.3, ABANDONED),
        Pupil(0.9, 1.0, 1.0, "completed"),
        Pupil(7.0, 0.0, 1.0, "completed"),
    ]
    record = record_of([Lot(pupils, died=1.5, reports=0.95)])
    found: dict[str, Any] = totals(record)
    assert found == {
        "offered": 5,
        "started": 3,
        "completed": 1,
        "failed": 1,
        "abandoned": 1,
        "dropped": 2,
    }
    assert record.dropped == {WORKER_LOST: 2}
    assert record.classes["login"].failures == {WORKER_LOST: 1}
    assert record.seconds.dropped[0] == record.seconds.dropped[7] == 1
