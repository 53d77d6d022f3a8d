from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import gevent
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klokken import histogram
from klokken.record import INTERNAL, WORKER_STOPPED
from klokken.storm.attendance import Attendance
from loadtests.arrivals import NOT_BEGUN, TOO_MANY, Arrivals
from loadtests.pupil import Desk
from loadtests.record import ABANDONED, COUNTS, Recorder
from loadtests.requests import Request, Response
from loadtests.steps import Ask, Unanswered, Wait
from tests.examples import examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.record import Delta
    from loadtests.steps import Journey

SITE = "https://login.skole.test"
DUE = st.lists(st.floats(0, 60, exclude_max=True), max_size=60)


class Time:
    """A clock that moves only when someone sleeps, or by a `slip` at each pupil's start."""

    def __init__(self, slip: float = 0.0) -> None:
        self.now, self.slip = -1.0, slip

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        for _ in range(3):  # everyone who can go on does
            gevent.sleep(0)
        self.now += seconds


def attendance(due: list[float]) -> Attendance:
    return Attendance(np.arange(len(due)), np.sort(np.array(due, dtype=np.float64)))


def sums(delta: Delta) -> dict[str, int]:
    return {name: sum(n for _, n in delta["seconds"][name]) for name in COUNTS}


def ring(
    due: list[float], attend: Callable[[Recorder, Time, float], None], **bounds: Any
) -> tuple[Delta, Time]:
    time, recorder = Time(), Recorder()

    def one(_: int, moment: float) -> None:
        recorder.started(moment, time())
        attend(recorder, time, moment)

    arrivals = Arrivals(
        attendance(due), one, recorder, time, **{"last": 100.0, **bounds}, sleep=time.sleep
    )
    arrivals.run()
    return recorder.take(time(), final=True), time


def complete(recorder: Recorder, time: Time, due: float) -> None:
    recorder.finished(due, due, time(), None)


@given(DUE)
@settings(deadline=None, max_examples=examples(40))
def test_every_pupil_begins_and_none_before_it_is_due(due: list[float]) -> None:
    early = []

    def attend(recorder: Recorder, time: Time, moment: float) -> None:
        early.append(time() < moment)
        complete(recorder, time, moment)

    delta, _ = ring(due, attend)
    assert not any(early)
    assert sums(delta) == dict(zip(COUNTS, (len(due), len(due), len(due), 0, 0, 0), strict=True))


@given(due=DUE, most=st.integers(1, 5), last=st.floats(0.5, 50))
@settings(deadline=None, max_examples=examples(40))
def test_whatever_happens_the_counts_add_up(due: list[float], most: int, last: float) -> None:
    def attend(recorder: Recorder, time: Time, moment: float) -> None:
        try:
            gevent.sleep(0 if int(moment) % 3 else 3600)
        except gevent.GreenletExit:
            cause = "timeout" if int(moment) % 2 else ABANDONED
            recorder.finished(moment, moment, time(), ("login_page", cause))
        else:
            complete(recorder, time, moment)

    time, recorder = Time(), Recorder()

    def one(_: int, moment: float) -> None:
        recorder.started(moment, time())
        attend(recorder, time, moment)

    arrivals = Arrivals(attendance(due), one, recorder, time, last, most, time.sleep)
    with pytest.MonkeyPatch.context() as patch:
        # The clock does not move by itself, so the end of the storm is brought forward.
        patch.setattr("gevent.pool.Group.join", lambda *_, **__: None)
        arrivals.run()
    count = sums(recorder.take(time(), final=True))
    assert count["offered"] == len(due) == count["started"] + count["dropped"]
    assert count["started"] == count["completed"] + count["failed"] + count["abandoned"]


def test_pupils_do_not_wait_for_each_other() -> None:
    most = 0
    busy = 0

    def attend(recorder: Recorder, time: Time, due: float) -> None:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        while time() < 50.0:
            gevent.sleep(0)
        busy -= 1
        complete(recorder, time, due)

    delta, _ = ring([*map(float, range(40)), 55.0], attend)
    assert most == 40
    assert sums(delta)["completed"] == 41


def test_too_many_busy_pupils_are_dropped_and_counted() -> None:
    def attend(recorder: Recorder, time: Time, due: float) -> None:
        while time() < 9.0:
            gevent.sleep(0)
        complete(recorder, time, due)

    delta, _ = ring([1.0, 2.0, 3.0, 4.0, 9.0, 10.0], attend, most_busy=2)
    assert dict(delta["dropped"]) == {TOO_MANY: 3}
    assert sums(delta)["completed"] == 3


def test_lateness_is_recorded_and_no_pupil_is_skipped_for_it() -> None:
    def attend(recorder: Recorder, time: Time, due: float) -> None:
        time.now += 2.0  # as if the machine had stood still
        complete(recorder, time, due)

    delta, _ = ring([1.0, 1.5, 30.0], attend)
    [(_, _, _, hdr)] = [s for s in delta["spans"] if s[2] == "lateness" and s[0] == 0]
    assert histogram.latency(histogram.merged([hdr])).max == pytest.approx(2.0, rel=1e-3)
    assert sums(delta)["completed"] == 3


def test_a_loop_that_is_stopped_accounts_for_everyone() -> None:
    recorder, time = Recorder(), Time()

    def one(_: int, due: float) -> None:
        recorder.started(due, time())
        complete(recorder, time, due)

    arrivals = Arrivals(attendance([0.0, 5.0, 6.0]), one, recorder, time, last=100.0)
    loop = gevent.spawn(arrivals.run)
    gevent.sleep(0)
    loop.kill()
    delta = recorder.take(time(), final=True)
    assert dict(delta["dropped"]) == {WORKER_STOPPED: 3}
    assert sums(delta)["offered"] == 3


def test_who_could_not_begin_before_the_end_is_dropped() -> None:
    delta, _ = ring([1.0, 20.0, 30.0], complete, last=15.0)
    assert dict(delta["dropped"]) == {NOT_BEGUN: 2}


class Wire:
    """Answers from a list, after its seconds; an exception is raised, and None is no answer."""

    def __init__(self, time: Time, answers: list[tuple[float, Any]]) -> None:
        self.time, self.answers, self.closed = time, answers, False

    def send(self, _: Request) -> Response:
        seconds, answer = self.answers.pop(0)
        self.time.now += seconds
        if answer is None:
            gevent.sleep(60)
        if isinstance(answer, BaseException):
            raise answer
        response: Response = answer
        return response

    def close(self) -> None:
        self.closed = True


def two_steps(_: int) -> Journey:
    yield Ask("first", Request(SITE, "GET", "/"), lambda _: None)
    yield Ask("second", Request(SITE, "POST", "/"), lambda _: None)


def attend_once(
    answers: list[tuple[float, Any]], journey: Any = two_steps, patience: float = 30.0
) -> tuple[Delta, Wire]:
    time, recorder = Time(), Recorder()
    time.now = 10.5
    wire = Wire(time, answers)
    desk = Desk(lambda: wire, journey, recorder, time, patience, lambda *_: None)
    desk.attend(1, 10.0)
    return recorder.take(time(), final=True), wire


def recorded(delta: Delta) -> dict[tuple[str, str], float]:
    return {
        (name, kind): round(histogram.latency(histogram.merged([hdr])).max, 1)
        for _, name, kind, hdr in delta["spans"]
    }


def test_the_first_request_and_the_journey_count_from_when_the_pupil_was_due() -> None:
    delta, wire = attend_once([(1.0, Response(200)), (2.0, Response(200))])
    assert recorded(delta) == {
        ("arrival", "lateness"): 0.5,
        ("first", "intended"): 1.5,
        ("first", "service"): 1.0,
        ("second", "intended"): 2.0,
        ("second", "service"): 2.0,
        ("login", "intended"): 3.5,
        ("login", "service"): 3.0,
    }
    assert dict(delta["ok"]) == {"first": 1, "second": 1, "login": 1}
    assert wire.closed


def test_a_failure_is_counted_by_its_cause_and_improves_no_percentile() -> None:
    delta, wire = attend_once([(1.0, Response(200)), (0.0, Unanswered("connection"))])
    assert sorted(delta["failures"]) == [
        ["login", "second: connection", 1],
        ["second", "connection", 1],
    ]
    assert ("second", "service") not in recorded(delta)
    assert ("login", "intended") not in recorded(delta)
    assert sums(delta)["failed"] == 1
    assert wire.closed


def test_who_gave_up_waiting_counts_with_the_time_waited_and_has_not_failed() -> None:
    delta, wire = attend_once([(30.0, None)], patience=0.01)
    assert delta["failures"] == []
    assert dict(delta["abandoned"]) == {"first": 1, "login": 1}
    assert sums(delta)["abandoned"] == 1
    assert sums(delta)["failed"] == sums(delta)["completed"] == 0
    assert recorded(delta)["first", "intended"] == 30.5
    assert recorded(delta)["login", "intended"] == 30.5
    assert wire.closed


def test_an_error_of_the_generators_own_is_named_so() -> None:
    def broken(_: int) -> Journey:
        yield Ask("first", Request(SITE, "GET", "/"), lambda _: None)
        raise ZeroDivisionError

    delta, _ = attend_once([(1.0, Response(200))], broken)
    assert delta["failures"] == [["login", f"first: {INTERNAL}", 1]]
    assert sums(delta)["failed"] == 1


def thinking(_: int) -> Journey:
    yield Ask("first", Request(SITE, "GET", "/"), lambda _: None)
    yield Wait(1.5)
    yield Ask("second", Request(SITE, "POST", "/"), lambda _: None)
    yield Wait(2.0)


def ring_with_waits(most_busy: int) -> tuple[Delta, int]:
    """Ring for two lots of `most_busy` pupils who wait twice, the second while the first waits.

    Return what was recorded, and the most who waited at a time.
    """
    recorder, most = Recorder(), 0
    loop = gevent.get_hub().loop
    begun = loop.now()

    def clock() -> float:
        loop.update_now()
        return float(loop.now() - begun)

    class Quick:
        def send(self, _: Request) -> Response:
            nonlocal most
            most = max(most, len(arrivals._waiting))  # noqa: SLF001 - who waits is seen nowhere else
            return Response(200)

        def close(self) -> None:
            pass

    def sleep(seconds: float) -> None:
        # However busy the machine: who has begun waits by now, and is not busy any more.
        gevent.sleep(seconds)
        while len(arrivals._busy) > len(arrivals._waiting):  # noqa: SLF001 - as above
            gevent.sleep(0.001)

    desk = Desk(Quick, thinking, recorder, clock, None, lambda *_: None, parks=0.0)
    due = [0.5] * most_busy + [0.7] * most_busy
    arrivals = Arrivals(attendance(due), desk.attend, recorder, clock, 60.0, most_busy, sleep=sleep)
    arrivals.run()
    return recorder.take(clock(), final=True), most


def test_who_waits_gives_the_greenlet_back_and_goes_on_in_time() -> None:
    delta, most = ring_with_waits(most_busy=3)
    assert dict(delta["ok"]) == {"first": 6, "second": 6, "login": 6}
    assert sums(delta)["dropped"] == 0
    assert most > 3


@pytest.mark.parametrize("parks", [0.0, inf])
@pytest.mark.parametrize(("stopped", "cause"), [(False, "timeout"), (True, WORKER_STOPPED)])
def test_who_still_waits_at_the_end_has_failed_and_by_what(
    parks: float, cause: str, *, stopped: bool
) -> None:
    recorder, time = Recorder(), Time()
    wires = [Wire(time, [(0.0, Response(200))]) for _ in range(6)]
    opened = iter(wires)

    def waiting(_: int) -> Journey:
        yield Ask("first", Request(SITE, "GET", "/"), lambda _: None)
        yield Wait(3600.0)

    desk = Desk(lambda: next(opened), waiting, recorder, time, None, lambda *_: None, parks=parks)
    last = 9999.0 if stopped else 0.1
    arrivals = Arrivals(attendance([0.0] * 6), desk.attend, recorder, time, last, sleep=time.sleep)
    loop = gevent.spawn(arrivals.run)
    while any(wire.answers for wire in wires):
        gevent.sleep(0)
    if stopped:
        loop.kill()
    loop.join()
    delta = recorder.take(time(), final=True)
    assert delta["failures"] == [["login", f"first: {cause}", 6]]
    count = sums(delta)
    assert count["offered"] == count["started"] == count["failed"] == 6


def test_who_is_served_when_the_worker_is_stopped_was_let_down_by_no_site() -> None:
    recorder, time = Recorder(), Time()
    wire = Wire(time, [(1.0, None)])
    desk = Desk(lambda: wire, two_steps, recorder, time, 30.0, lambda *_: None)
    arrivals = Arrivals(attendance([0.0]), desk.attend, recorder, time, 100.0, sleep=time.sleep)
    loop = gevent.spawn(arrivals.run)
    while wire.answers:
        gevent.sleep(0)
    loop.kill()
    delta = recorder.take(time(), final=True)
    assert sorted(delta["failures"]) == [
        ["first", WORKER_STOPPED, 1],
        ["login", f"first: {WORKER_STOPPED}", 1],
    ]
    assert {name for _, name, _, _ in delta["spans"]} == {"arrival"}
    assert wire.closed
