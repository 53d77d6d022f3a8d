from __future__ import annotations

from typing import Any

import pytest

from klokken import histogram
from klokken.record import (
    INTERNAL,
    WORKER_LOST,
    WORKER_STOPPED,
    ClassCounts,
    Record,
    SecondCounts,
    Span,
    WorkerRecord,
)
from klokken.results import MachineFacts, Results, StormPlan, Verdict
from klokken.storm.outcome import Surroundings, results
from tests import storms

CLASSES = ("login", "login_page", "password", "token")


def hdr(seconds: float, count: int) -> str:
    found = histogram.empty()
    for _ in range(count):
        histogram.add(found, seconds)
    return histogram.encoded(found)


def spans(pupils: int, wait: float, late: float, woken: float) -> list[Span]:
    kinds = [(c, k, wait) for c in CLASSES for k in ("intended", "service")]
    return [
        Span.model_validate({"start": 0, "request_class": c, "kind": k, "hdr": hdr(v, pupils)})
        for c, k, v in [*kinds, ("arrival", "lateness", late), ("wake", "lateness", woken)]
    ]


def worker(first: int, end: int, **changes: Any) -> WorkerRecord:
    idle = {"offered": 0, "cpu": [0.0] * 10, "memory_bytes": 1, "lost": False}
    return WorkerRecord.model_validate(
        {"name": f"w{first}", "first": first, "end": end, **idle, **changes}
    )


def record(  # noqa: PLR0913 - the ways in which a storm may have gone
    offered: int = 100,
    *,
    failed: int = 0,
    abandoned: int = 0,
    dropped: int = 0,
    wait: float = 0.2,
    late: float = 0.001,
    woken: float = 0.001,
    stolen: tuple[float, ...] = (),
    cpu: list[float] | None = None,
    lost: bool = False,
    **changes: Any,
) -> Record:
    started = offered - dropped
    failures = {"password: form again": failed} if failed else {}
    body: dict[str, Any] = {
        "run": storms.plan(1).run,
        "began": 1_790_000_000.0,
        "finished": 1_790_000_060.0,
        "seconds": SecondCounts(
            offered=[offered],
            started=[started],
            completed=[started - failed - abandoned],
            failed=[failed],
            abandoned=[abandoned],
            dropped=[dropped],
        ),
        "classes": {
            name: ClassCounts(
                requests=started,
                ok=started - (failed + abandoned if name == "login" else 0),
                failures=failures if name == "login" else {},
                abandoned=abandoned if name == "login" else 0,
            )
            for name in CLASSES
        },
        "spans": spans(max(1, started - failed), wait, late, woken),
        "dropped": {"not begun in time": dropped} if dropped else {},
        "workers": [
            worker(0, 800, offered=offered, cpu=cpu or [0.1] * 10, stolen=stolen, lost=lost),
            worker(800, 1625),
        ],
        "versions": {"locust": "2.47.0"},
    }
    return Record.model_validate(body | changes)


def judged(found: Record, plan: StormPlan | None = None) -> Results:
    facts = MachineFacts(cpu_model="a test", cores=1, memory_bytes=1, kernel="none")
    return results(plan or storms.plan(100), found, Surroundings(facts, {"keycloak": "26"}))


def test_a_storm_that_kept_every_level_passes() -> None:
    found = judged(record())
    assert found.verdict is Verdict.PASS
    assert found.invalid_because == []
    assert [j.kept for j in found.judgements] == [True] * 8
    assert found.versions == {"keycloak": "26", "locust": "2.47.0"}


@pytest.mark.parametrize(
    ("found", "request_class", "what"),
    [
        (record(wait=3.5), "password", "p99_seconds"),
        (record(failed=2), "login", "failed_share"),
        (record(abandoned=2), "login", "failed_share"),
        (record(failed=1, abandoned=1), "login", "failed_share"),
    ],
)
def test_a_missed_level_of_any_class_fails(found: Record, request_class: str, what: str) -> None:
    outcome = judged(found)
    assert outcome.verdict is Verdict.FAIL
    missed = {(j.request_class, j.what) for j in outcome.judgements if not j.kept}
    assert (request_class, what) in missed


def test_a_share_exactly_at_its_limit_is_kept() -> None:
    assert judged(record(failed=1)).verdict is Verdict.PASS


def test_a_class_that_was_never_reached_has_kept_nothing() -> None:
    nobody = record(failed=100)
    classes = {name: c for name, c in nobody.classes.items() if name != "token"}
    found = judged(record(failed=100, classes=classes))
    token = [j for j in found.judgements if j.request_class == "token"]
    assert [(j.what, j.measured, j.kept) for j in token] == [
        ("p99_seconds", found.plan.patience_seconds, False),
        ("failed_share", 1.0, False),
    ]


def test_a_request_that_nobody_had_to_make_is_not_judged() -> None:
    classes = {name: c for name, c in record().classes.items() if name != "token"}
    found = judged(record(classes=classes))
    assert found.verdict is Verdict.PASS
    assert "token" not in {j.request_class for j in found.judgements}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (record(late=0.08), "was late: p99.9 80 ms, limit 50 ms"),
        (record(woken=0.08), "woke pupils late: p99.9 80 ms, limit 50 ms"),
        (record(late=0.08, stolen=(0.0, 1.25, 0.5)), "others took 1.25 cores of its machine"),
        (record(cpu=[0.1, 0.1, 0.9, 0.9, 0.9, 0.9, 0.9, 0.1]), "worker used 0.90 cores, limit 0.8"),
        (record(master_cpu=[0.1, *[0.85] * 5]), "the master used 0.85 cores, limit 0.8"),
        (
            record(lost=True),
            "1 of 2 workers were lost, and with them 0 pupils before and 0 in",
        ),
        (record(dropped=3), "only 97 of 100 offered journeys were started (3 not begun in time)"),
        (record(run="another"), "another storm, 'another'"),
        (
            record(classes={"login": ClassCounts(requests=100, ok=99, failures={INTERNAL: 1})}),
            "the load generator itself had errors (see its journal)",
        ),
        (
            record(
                classes={
                    "login": ClassCounts(
                        requests=100,
                        ok=99,
                        failures={f"login_page: {INTERNAL}: Too many open files": 1},
                    ),
                    "login_page": ClassCounts(
                        requests=100, ok=99, failures={f"{INTERNAL}: Too many open files": 1}
                    ),
                }
            ),
            "the load generator itself had errors (Too many open files)",
        ),
    ],
)
def test_a_storm_that_cannot_judge_is_invalid_however_good_it_looks(
    found: Record, reason: str
) -> None:
    outcome = judged(found)
    assert outcome.verdict is Verdict.INVALID
    assert any(reason in because for because in outcome.invalid_because)


@pytest.mark.parametrize(
    "column", ["offered", "started", "completed", "failed", "abandoned", "dropped"]
)
def test_counts_that_do_not_add_up_make_a_storm_invalid(column: str) -> None:
    good = record()
    counts = {**good.seconds.model_dump(), column: [good.seconds.model_dump()[column][0] + 2]}
    found = judged(record(seconds=counts))
    assert found.verdict is Verdict.INVALID
    assert any("do not add up" in because for because in found.invalid_because)


@pytest.mark.parametrize("name", ["failed", "abandoned"])
def test_ends_that_are_counted_as_another_kind_are_noticed(name: str) -> None:
    good = record(failed=3, abandoned=3)
    counts = good.seconds.model_dump()
    swapped = {**counts, name: [counts[name][0] + 1], "completed": [counts["completed"][0] - 1]}
    reasons = judged(record(failed=3, abandoned=3, seconds=swapped)).invalid_because
    assert any(reason.startswith(f"the counts do not add up: {name}") for reason in reasons)


def test_lost_workers_are_one_reason_and_other_drops_another() -> None:
    both = {WORKER_LOST: 2, "not begun in time": 1}
    found = record(dropped=3, lost=True).model_copy(update={"dropped": both})
    assert judged(found).invalid_because == [
        "1 of 2 workers were lost, and with them 2 pupils before and 0 in their journeys",
        "only 97 of 100 offered journeys were started (1 not begun in time)",
    ]


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ([(0, 1625)], "2 workers were planned, and 1 took part"),
        ([(0, 800), (800, 1200), (1200, 1625)], "2 workers were planned, and 3 took part"),
        ([(0, 800), (801, 1625)], "the workers' shares are not the 1625 pupils, each"),
        ([(0, 800), (799, 1625)], "the workers' shares are not the 1625 pupils, each"),
        ([(1, 800), (800, 1625)], "the workers' shares are not the 1625 pupils, each"),
        ([(0, 800), (800, 1624)], "the workers' shares are not the 1625 pupils, each"),
    ],
)
def test_a_storm_by_other_workers_than_planned_is_invalid(
    shares: list[tuple[int, int]], reason: str
) -> None:
    workers = [worker(*share, offered=0 if n else 100) for n, share in enumerate(shares)]
    (found,) = judged(record(workers=workers)).invalid_because
    assert found.startswith(reason)


def test_in_which_order_workers_are_recorded_is_all_one() -> None:
    assert judged(record(workers=record().workers[::-1])).verdict is Verdict.PASS


def test_pupils_of_a_stopped_worker_make_the_storm_invalid_and_fail_no_site() -> None:
    found = record(failed=5, dropped=2)
    whole = found.classes["login"].model_copy(
        update={"failures": {f"password: {WORKER_STOPPED}": 5}}
    )
    body = {"classes": {**found.classes, "login": whole}, "dropped": {WORKER_STOPPED: 2}}
    outcome = judged(found.model_copy(update=body))
    assert outcome.verdict is Verdict.INVALID
    [reason] = outcome.invalid_because
    assert reason.startswith("workers were stopped before the storm was over")
    assert reason.endswith("with them 2 pupils before and 5 in their journeys")


def test_one_odd_second_of_a_worker_does_not_make_it_busy() -> None:
    assert judged(record(cpu=[0.1, 1.0, 0.1, 0.1, 0.1, 0.1])).verdict is Verdict.PASS


def test_a_plan_with_a_pupil_more_than_the_record_is_noticed() -> None:
    assert judged(record(), storms.plan(101)).verdict is Verdict.INVALID


def test_who_took_the_machine_is_named_only_where_the_generator_was_late() -> None:
    assert judged(record(stolen=(1.9,))).verdict is Verdict.PASS
    (reason,) = judged(record(late=0.08, stolen=(0.01,))).invalid_because
    assert "others" not in reason
