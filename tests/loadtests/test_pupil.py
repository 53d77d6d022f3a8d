from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import gevent
import pytest

from klokken import histogram
from klokken.people import People, Temper
from klokken.retries import Retries
from loadtests.persistence import persistently
from loadtests.pupil import Desk
from loadtests.record import Recorder
from loadtests.requests import Request, Response
from loadtests.steps import Ask, AsOf, Meant, Think, Unanswered, Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from loadtests.record import Delta
    from loadtests.steps import Journey

SITE = "https://drive1.skole.test"
QUICK = Retries(attempts=3, timeout_seconds=0.05, first_seconds=0.01, most_seconds=0.01)


class Wire:
    """Answers as it is told, by the number of the request."""

    def __init__(self, answer: Callable[[int], Response]) -> None:
        self.answer, self.sent, self.closed = answer, 0, 0

    def send(self, _: Request) -> Response:
        self.sent += 1
        return self.answer(self.sent)

    def close(self) -> None:
        self.closed += 1


def status_200(response: Response) -> None:
    assert response.status == 200


def asking(_: int) -> Journey:
    yield Ask("save", Request(SITE, "PUT", "/"), status_200, again=True)


def attend(
    answer: Callable[[int], Response],
    journey: Callable[[int], Journey] = asking,
    patience: float | None = None,
    temper: Callable[[int], Temper] | None = None,
) -> tuple[Delta, Wire]:
    wire, recorder = Wire(answer), Recorder("exam")
    hub = gevent.get_hub().loop
    hub.update_now()
    begun = hub.now()

    def clock() -> float:
        hub.update_now()
        return float(hub.now() - begun)

    desk = Desk(lambda: wire, journey, recorder, clock, patience, lambda *_: None, QUICK, temper)
    desk.attend(0, 0.0)
    return recorder.take(100.0, final=True), wire


def hang_once(number: int) -> Response:
    if number == 1:
        gevent.sleep(5)
    return Response(200)


def test_an_answer_that_does_not_come_in_time_is_asked_for_again() -> None:
    delta, _ = attend(hang_once)
    assert delta["failures"] == [["save", "timeout", 1]]
    assert dict(delta["ok"]) == {"save": 1, "exam": 1}
    assert dict(delta["retries"]) == {"save": 1}


def test_a_login_at_an_exam_has_a_limit_too() -> None:
    def once(_: int) -> Journey:
        yield Ask("token", Request(SITE, "POST", "/"), status_200)

    delta, wire = attend(hang_once, once)
    assert delta["failures"] == [["token", "timeout", 1], ["exam", "token: timeout", 1]]
    assert wire.sent == 1


def test_the_patience_for_the_whole_ends_retries() -> None:
    delta, _ = attend(lambda _: Response(503), patience=0.005)
    assert dict(delta["abandoned"]) == {"exam": 1}
    assert [name for name, _, _ in delta["failures"]] == ["save"]


def people(timeout: float, patience: float) -> Callable[[int], Temper]:
    """Return people who look at a page that does not come for `timeout` seconds."""
    figures = {"attempts": 3, "timeout_seconds": timeout}
    figures |= {"first_seconds": 0.001, "most_seconds": 0.001}
    waits = {"least_seconds": patience, "most_seconds": patience}
    body = {
        "think": {"kind": "uniform", **figures_of({"least_seconds": 1.0, "most_seconds": 1.0})},
        "patience": {"kind": "uniform", **figures_of(waits)},
        "again": figures_of(figures),
    }
    return partial(Temper, People.model_validate(body), 1)


def figures_of(values: dict[str, float]) -> dict[str, object]:
    return {name: {"value": value, "source": "a test"} for name, value in values.items()}


def visiting(_: int) -> Journey:
    def once() -> Journey:
        yield Ask("login_page", Request(SITE, "GET", "/"), status_200)

    yield from persistently("login_page", once, 3, (Unanswered,), person=True)


def test_a_page_that_does_not_come_is_loaded_again_after_the_declared_time() -> None:
    delta, wire = attend(hang_once, visiting, temper=people(timeout=0.02, patience=60.0))
    assert wire.sent == 2
    assert delta["failures"] == [["login_page", "timeout", 1]]
    assert dict(delta["ok"]) == {"login_page": 1, "exam": 1}
    assert dict(delta["retries"]) == {"login_page": 1}


def test_who_leaves_before_that_leaves_the_request_behind() -> None:
    delta, wire = attend(hang_once, visiting, temper=people(timeout=60.0, patience=0.02))
    assert wire.sent == wire.closed == 1
    assert delta["failures"] == []
    assert dict(delta["abandoned"]) == {"login_page": 1, "exam": 1}


@pytest.mark.parametrize("status", [425, 429, 500, 502, 503, 504, 507])
def test_who_is_asked_to_come_again_does_so(status: int) -> None:
    delta, wire = attend(lambda n: Response(status if n < 3 else 200))
    assert wire.sent == 3
    assert dict(delta["ok"]) == {"save": 1, "exam": 1}
    assert delta["failures"] == ([] if status == 425 else [["save", str(status), 2]])
    assert dict(delta["retries"]) == {"save": 2}


def test_giving_up_is_counted_even_where_the_drive_only_asked_to_wait() -> None:
    delta, wire = attend(lambda _: Response(425))
    assert wire.sent == QUICK.attempts
    assert delta["failures"] == [["save", "gave up: 425", 1], ["exam", "save: gave up: 425", 1]]


def test_a_request_that_timed_out_for_the_last_time_is_given_up_and_was_a_wait() -> None:
    def hang(_: int) -> Response:
        gevent.sleep(5)
        return Response(200)

    delta, _ = attend(hang)
    assert delta["failures"][:2] == [["save", "timeout", 2], ["save", "gave up: timeout", 1]]
    [whole] = [hdr for _, name, kind, hdr in delta["spans"] if (name, kind) == ("save", "service")]
    assert histogram.latency(histogram.merged([whole])).count == 3


def test_a_journey_may_catch_what_failed_and_go_on() -> None:
    def brave(_: int) -> Journey:
        try:
            yield Ask("first", Request(SITE, "GET", "/"), status_200)
        except Unanswered:
            yield Ask("second", Request(SITE, "GET", "/"), status_200)

    def refuse(number: int) -> Response:
        if number == 1:
            raise Unanswered("connection refused")
        return Response(200)

    delta, _ = attend(refuse, brave)
    assert delta["failures"] == [["first", "connection refused", 1]]
    assert dict(delta["ok"]) == {"second": 1, "exam": 1}


def test_a_wait_ends_at_its_second_and_one_in_the_past_at_once() -> None:
    def waiting(_: int) -> Journey:
        yield Wait(0.1)
        yield Wait(-5.0)
        yield Ask("save", Request(SITE, "PUT", "/"), status_200)

    delta, _ = attend(lambda _: Response(200), waiting)
    assert dict(delta["ok"]) == {"save": 1, "exam": 1}


def test_a_client_pauses_alike_in_every_storm_and_no_two_together() -> None:
    def pauses(pupil: int, seed: int) -> list[float]:
        time, slept = [0.0], []

        def sleep(seconds: float) -> None:
            slept.append(seconds)
            time[0] += seconds

        desk = Desk(
            lambda: Wire(lambda _: Response(503)),
            asking,
            Recorder("exam"),
            lambda: time[0],
            None,
            lambda *_: None,
            retries=Retries(attempts=4),
            seed=seed,
            sleep=sleep,
        )
        desk.attend(pupil, 0.0)
        return slept

    assert pauses(1, 1) == pauses(1, 1)
    assert len({tuple(pauses(*who)) for who in ((1, 1), (2, 1), (1, 2))}) == 3
    for longest, pause in zip((0.5, 1.0, 2.0), pauses(1, 1), strict=True):
        assert longest / 2 < pause < longest


def test_how_late_a_pupil_is_woken_is_recorded_and_what_it_did_meanwhile_is_not() -> None:
    time, recorder = [0.0], Recorder("exam")

    def oversleep(seconds: float) -> None:
        time[0] += seconds + 0.25

    def sitting(_: int) -> Journey:
        yield Wait(10.0)
        yield Ask("save", Request(SITE, "PUT", "/"), status_200)
        # By now it is later than that: nobody waits, so nobody is woken.
        yield Wait(5.0)

    wire = Wire(lambda _: Response(200))
    desk = Desk(
        lambda: wire, sitting, recorder, lambda: time[0], None, lambda *_: None, sleep=oversleep
    )
    desk.attend(0, 0.0)
    delta = recorder.take(100.0, final=True)
    found = {(name, kind): hdr for _, name, kind, hdr in delta["spans"]}
    woken = histogram.latency(histogram.merged([found["wake", "lateness"]]))
    assert woken.count == 1
    assert woken.max == pytest.approx(0.25, rel=1e-3)


def test_what_is_asked_for_the_sake_of_a_request_counts_with_it_and_a_thought_does_not() -> None:
    time, recorder = [0.0], Recorder("morning")

    def sleep(seconds: float) -> None:
        time[0] += seconds

    def answer(_: int) -> Response:
        time[0] += 2.0
        return Response(200)

    def saving(_: int) -> Journey:
        yield Think()
        meant = yield Meant()
        yield Ask("login_page", Request(SITE, "GET", "/"), status_200)
        yield Think()
        yield Ask("password", Request(SITE, "POST", "/"), status_200)
        yield AsOf(meant)
        yield Ask("save", Request(SITE, "PUT", "/"), status_200)

    desk = Desk(
        lambda: Wire(answer),
        saving,
        recorder,
        lambda: time[0],
        None,
        lambda *_: None,
        temper=people(timeout=60.0, patience=60.0),
        sleep=sleep,
    )
    desk.attend(0, 0.0)
    found = {
        name: histogram.latency(histogram.merged([hdr])).max
        for _, name, kind, hdr in recorder.take(100.0, final=True)["spans"]
        if kind == "intended"
    }
    assert found == pytest.approx(
        {"login_page": 2.0, "password": 2.0, "save": 6.0, "morning": 6.0}, rel=1e-3
    )
