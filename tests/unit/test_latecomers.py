"""What the controller makes of those who log in while faults are made."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from klokken.errors import MachineError
from klokken.faults.latecomers import EVERY, Latecomers
from klokken.faults.recovery import logins_back_after
from klokken.logins import Login
from klokken.remote import Remote
from loadtests.latecomers import Latecomers as Order
from tests.storms import plan
from tests.unit.test_faults import inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDED = 1000.0


def login(sent: float, cause: str = "", took: float = 0.2) -> Login:
    return Login(pupil=0, sent=sent, ended=sent + took, cause=cause)


def every_two_seconds(back: float) -> list[Login]:
    times = [ENDED - 10 + EVERY * n for n in range(60)]
    return [login(at, "login_page: 503" if ENDED <= at < back else "") for at in times]


@pytest.mark.parametrize("back", [1000, 1004, 1060])
def test_logins_are_back_with_the_first_that_others_follow(back: float) -> None:
    assert logins_back_after(every_two_seconds(back), ENDED) == pytest.approx(back - ENDED + 0.2)


def test_a_single_login_between_failures_is_no_service() -> None:
    came = [login(1002, "timeout"), login(1004), login(1006, "password: 503"), login(1010)]
    assert logins_back_after(came, ENDED) == pytest.approx(10.2)


def test_logins_that_never_came_back_are_told_so() -> None:
    assert logins_back_after([login(990), login(1002, "token: timeout")], ENDED) is None


def saying(monkeypatch: pytest.MonkeyPatch, *lines: str) -> dict[str, Any]:
    """Have the load generator's host say `lines`; return what it will have been asked."""
    asked: dict[str, Any] = {}

    def said(self: Remote, argv: list[str], *, given: bytes, **_: Any) -> Iterator[str]:
        asked.update(host=self.name, argv=argv, given=given)
        yield from lines

    monkeypatch.setattr(Remote, "lines", said)
    return asked


def heard(latecomers: Latecomers, count: int) -> list[Login]:
    """Return what was heard when `count` had come, or after five seconds."""
    patience = time.monotonic() + 5
    with latecomers:
        latecomers.begin()
        while len(latecomers.logins) < count and time.monotonic() < patience:
            time.sleep(0.01)
    return latecomers.logins


def test_the_load_generator_is_told_what_its_program_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = saying(monkeypatch, *(f"{login(at).model_dump_json()}\n" for at in (1, 3)))
    latecomers = Latecomers(inventory(), plan(10))
    assert [one.sent for one in heard(latecomers, 2)] == [1, 3]
    latecomers.require()
    order = Order.model_validate(json.loads(asked["given"]))
    assert (asked["host"], order.every, order.plan) == ("loadgen1", EVERY, plan(10))
    assert order.allowed == ["198.18.0.71", "198.18.0.72"]


def test_what_cannot_be_understood_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    saying(monkeypatch, "Traceback\n")
    latecomers = Latecomers(inventory(), plan(10))
    assert heard(latecomers, 0) == []
    with pytest.raises(MachineError, match="loadgen1: the latecomers say 'Traceback'"):
        latecomers.require()


def test_nobody_comes_to_an_exam_that_never_opened() -> None:
    with Latecomers(inventory(), plan(10)) as latecomers:
        pass
    latecomers.require()
    assert latecomers.logins == []
