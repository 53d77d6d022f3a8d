"""Seeding shows how far it is, says what it found, and names the first class that is not whole."""

from __future__ import annotations

import io
import json
import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from klokken import deployment
from klokken.errors import MachineError
from klokken.population import PUPILS_A_CLASS, pupils_of, teachers
from klokken.remote import Remote
from klokken.seeding import Seeded, fill, seed
from klokken.storm import run
from loadtests.seeding import Seeding
from tests.storms import plan
from tests.unit.test_faults import inventory

if TYPE_CHECKING:
    from collections.abc import Iterator

PUPILS = 4 * PUPILS_A_CLASS + 6
PLAN = plan(10, pupils=PUPILS, workers=3)


class Terminal(io.StringIO):
    """Where a progress bar is drawn."""

    def isatty(self) -> bool:
        return True


class Hosts:
    """Load generators that seed what they are told to, but for the classes that `fail`."""

    def __init__(self, *fail: int) -> None:
        self.fail = fail
        self.orders: list[tuple[str, Seeding]] = []

    def lines(self, host: Remote, given: bytes) -> Iterator[str]:
        order = Seeding.model_validate(json.loads(given))
        self.orders.append((host.name, order))
        for klass in order.classes:
            pupils = len(pupils_of(klass, PUPILS))
            cause = "document: gave up: 507" if klass in self.fail else ""
            told = {"klass": klass, "pupils": pupils, "empty": 1, "cause": cause}
            yield json.dumps(told) + "\n"


def use(monkeypatch: pytest.MonkeyPatch, hosts: Hosts) -> Hosts:
    def speaking(host: Remote, _: list[str], *, given: bytes, **__: Any) -> Any:
        return nullcontext(hosts.lines(host, given))

    monkeypatch.setattr(Remote, "speaking", speaking)
    monkeypatch.setattr(deployment, "read_inventory", lambda _: inventory())
    monkeypatch.setattr(run, "plan", lambda *_, **__: PLAN)
    return hosts


def test_every_class_is_seeded_once_by_all_load_generators(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = use(monkeypatch, Hosts())
    assert fill(inventory(), PLAN) == Seeded(empty=5, failed={})
    classes = sorted(klass for _, order in hosts.orders for klass in order.classes)
    assert classes == list(range(teachers(PUPILS)))
    assert sorted(name for name, _ in hosts.orders) == ["loadgen1", "loadgen1", "loadgen2"]


def test_the_bar_ends_when_every_pupil_is_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Hosts())
    monkeypatch.setattr(sys, "stderr", shown := Terminal())
    fill(inventory(), PLAN)
    drawn = [part for part in shown.getvalue().split("\r") if "seeding" in part]
    assert "  0%" in drawn[0]
    assert "100%" in drawn[-1]


def test_what_was_done_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Hosts())
    done = CliRunner().invoke(seed, ["morning"])
    assert done.exit_code == 0
    assert done.output.splitlines()[-1] == "seeded 90 pupils in 0 s; 5 drives were empty before"


def test_a_class_that_is_not_whole_is_named_with_its_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Hosts(3))
    done = CliRunner().invoke(seed, ["morning", "--json"])
    assert isinstance(done.exception, MachineError)
    assert str(done.exception) == (
        "seeding: 1 classes are not whole, class 3: document: gave up: 507;"
        " seed again to complete them"
    )
    told = json.loads(next(line for line in done.output.splitlines() if line.startswith("{")))
    assert (told["pupils"], told["failed"]) == (PUPILS, {"3": "document: gave up: 507"})


@pytest.mark.parametrize("line", ["Traceback", '{"klass": 1}', "[]"])
def test_what_cannot_be_understood_names_the_host(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Remote, "speaking", lambda *_, **__: nullcontext(iter([line])))
    with pytest.raises(MachineError, match=r"loadgen[12]: seeding says '"):
        fill(inventory(), PLAN)
