"""The null transport: every journey comes to its end at a site that is not there."""

from __future__ import annotations

from functools import partial

import pytest

from klokken.profile import Profile
from klokken.storm.plan import plan_dry_run
from loadtests import journeys
from loadtests.null import Null
from loadtests.pupil import Desk
from loadtests.record import Delta, Recorder
from loadtests.requests import Request
from loadtests.world import World


class Time:
    """A clock that moves only when somebody sleeps."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def attend(profile: str, number: int) -> Delta:
    plan = plan_dry_run(Profile.named(profile), run="a-run")
    time, recorder = Time(), Recorder(plan.profile.journey)
    desk = Desk(
        connect=Null(plan).connection,
        journey=partial(journeys.journey, World(plan, "a secret", time)),
        recorder=recorder,
        clock=time,
        patience=None,
        listener=lambda *_: None,
        sleep=time.sleep,
    )
    desk.attend(number, 0.0)
    return recorder.take(time(), final=True)


@pytest.mark.parametrize(
    ("profile", "number"),
    [("bavaria", 1_199_999), ("morning", 7), ("morning", 303), ("exam", 42), ("spelling", 0)],
)
def test_everyone_gets_through(profile: str, number: int) -> None:
    delta = attend(profile, number)
    assert delta["failures"] == []
    assert dict(delta["ok"])[Profile.named(profile).journey] == 1


def test_a_teacher_finds_the_whole_class() -> None:
    assert dict(attend("morning", 300)["ok"])["class_folder"] == 1


def test_every_document_of_an_exam_is_acknowledged() -> None:
    writes = attend("spelling", 3)["writes"]
    assert {write["outcome"] for write in writes} == {"acknowledged"}
    assert writes[-1]["kind"] == "handin"


def test_what_no_journey_asks_is_not_answered_well() -> None:
    connection = Null(plan_dry_run(Profile.named("minute"), run="a-run")).connection()
    assert connection.send(Request("https://login.skole.invalid", "GET", "/else")).status == 400
    assert connection.send(Request("https://drive.skole.invalid", "MOVE", "/")).status == 405
