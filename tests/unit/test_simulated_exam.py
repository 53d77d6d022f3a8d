"""An exam, simulated: its clock asks for saves and papers, whatever becomes of those before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from klokken.capacity import sitting
from klokken.capacity.demands import Demands
from klokken.capacity.morning import NANO
from klokken.capacity.platform import Platform
from klokken.capacity.run import DEMANDS_FILE, PLATFORM_FILE, Choices, simulate
from klokken.capacity.sitting import coming
from klokken.capacity.sizing.asked import busiest, site_asked
from klokken.capacity.summary import summary
from klokken.errors import InputError
from klokken.profile import Profile
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.capacity.morning import Morning
    from klokken.capacity.simulation import Simulation

SPELLING = Profile.named("spelling")
EXAM = Demands.read(DEMANDS_FILE).journeys["exam"]
# As many as the lab of the examples bears at once, of 300.
PUPILS, FRACTION = 60, 0.2
# It starts ten minutes after the first may come, and lasts an hour.
STARTS, ENDS = 600, 4200
ALONE = 1 / 300


@pytest.fixture(scope="module")
def exact() -> Simulation:
    return simulate(Choices("spelling", fraction=FRACTION))


def moments(morning: Morning, clock: str) -> Any:
    """Return when the errands of a clock are due, in seconds and in order; "" is the login."""
    own = morning.first == (EXAM.clocked[clock] if clock else 0)
    return np.sort(morning.due[own]) / NANO


def requests(found: Simulation) -> dict[str, int]:
    """Return how often each request was sent."""
    names = [*(request.name for request in EXAM.requests), "exam"]
    return {
        name: sum(m.classes[name].requests for m in found.minutes if name in m.classes)
        for name in names
    }


@pytest.mark.parametrize("seed", range(20))
def test_a_pupil_saves_every_half_to_whole_minute_and_renews_the_token_with_a_save(
    seed: int,
) -> None:
    alone = coming(SPELLING, EXAM, seed, ALONE)
    [login], [start], [handin] = (moments(alone, clock) for clock in ("", "start", "handin"))
    saves, renewals = moments(alone, "save"), moments(alone, "renew")
    assert start == max(login, STARTS)
    assert (STARTS + ENDS) / 2 <= handin <= ENDS
    gaps = np.diff([start, *saves])
    assert (gaps >= 30).all()
    assert (gaps <= 60).all()
    assert saves[-1] < handin <= saves[-1] + 60
    # With the first that is sent once the token is 180 s old.
    assert set(renewals) <= {start, *saves, handin}
    assert (np.diff([start, *renewals, handin]) <= 180 + 60).all()
    assert (np.diff(renewals) >= 180).all()


def test_as_many_as_declared_hand_in_within_the_last_five_minutes() -> None:
    handins = moments(coming(SPELLING, EXAM, 1, 1.0), "handin")
    assert (handins > ENDS - 300).sum() == pytest.approx(150, abs=4 * np.sqrt(300 / 4))


def test_on_a_site_that_bears_it_everybody_hands_in(exact: Simulation) -> None:
    assert (exact.offered, exact.completed) == (PUPILS, PUPILS)
    sent, whole = requests(exact), coming(SPELLING, EXAM, 1, FRACTION)
    once = ("login_page", "password", "token", "drives", "paper_list", "paper", "handin", "receipt")
    assert {sent[name] for name in (*once, "exam")} == {PUPILS}
    assert sent["autosave"] == len(moments(whole, "save"))
    assert sent["refresh"] == len(moments(whole, "renew"))
    # All who are there get the paper in the minute in which it starts.
    starts = STARTS // 60
    assert exact.minutes[starts].classes["paper"].requests > 0.8 * PUPILS
    assert "exam" not in exact.minutes[starts + 20].classes


def test_an_exam_has_one_hash_and_no_time_of_its_own(exact: Simulation, tmp_path: Path) -> None:
    assert simulate(Choices("spelling", fraction=FRACTION)).result_hash == exact.result_hash
    assert all(m.classes["exam"].max == 0 for m in exact.minutes if "exam" in m.classes)
    shown = summary(exact, tmp_path)
    assert "60 pupils due: completed 60, failed 0, left 0" in shown


def test_who_cannot_hand_in_has_not_sat_the_exam() -> None:
    # Some have handed in before the cell of their school is gone.
    found = simulate(Choices("spelling", fraction=FRACTION, kills=("drive@3000",)))
    assert 0 < found.completed < PUPILS
    assert found.offered == found.completed + found.failed + found.abandoned
    assert requests(found)["exam"] == PUPILS
    missed = {one.request_class for one in found.missed}
    assert {"exam", "handin"} <= missed
    assert "login_page" not in missed


def test_the_fluid_level_has_the_work_when_the_clock_has_it(exact: Simulation) -> None:
    fluid = simulate(Choices("spelling", fraction=FRACTION, level="fluid"))
    assert requests(fluid) == requests(exact)
    # Minutes are told to a hundredth of a percent, which is as much as the database does.
    for tier in ("edge", "identity", "drive"):
        whole, same = (sum(m.utilisation[tier] for m in found.minutes) for found in (exact, fluid))
        assert same == pytest.approx(whole, rel=0.05)
    start = fluid.minutes[STARTS // 60]
    assert start.utilisation["drive"] > 2 * fluid.minutes[STARTS // 60 + 5].utilisation["drive"]


def test_an_exam_of_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitting, "MOST_ERRANDS", 20_000)
    with pytest.raises(InputError, match=r"some \d\d,\d+ times, and 20,000 .* smaller --fraction"):
        simulate(Choices("spelling"))


def test_a_site_is_asked_for_papers_and_for_connections_that_stay_open() -> None:
    demands, platform = Demands.read(DEMANDS_FILE), Platform.read(PLATFORM_FILE)
    asked = site_asked(SPELLING, demands, platform, FRACTION, 1)
    edge, drive = asked.tiers[Tier.EDGE], asked.tiers[Tier.DRIVE]
    # 2 MB for each pupil, most of them at once; a paper may take 10 s.
    assert 0.6 * PUPILS * 2000 / 10 < edge.paper_kb <= PUPILS * 2000 / 10
    assert edge.mbit > 8 * edge.paper_kb / 1000
    assert edge.connections >= PUPILS
    assert asked.accounts == asked.pupils == PUPILS
    # All at once, and none of their requests may take longer than 3 s.
    assert drive.cores == pytest.approx(busiest(drive.load, 3))
    assert drive.cores > 5 * busiest(drive.load, 60)
    assert asked.sent_tb > PUPILS * 2e6 / 1e12


def written(change: Callable[[list[dict[str, Any]]], None], journey: str = "exam") -> str:
    """Return what is said of demands whose requests of a journey are changed."""
    body = yaml.safe_load(DEMANDS_FILE.read_text())
    change(body["journeys"][journey]["requests"])
    with pytest.raises(ValueError, match=r"clock|again") as told:
        Demands.model_validate(body)
    return str(told.value)


def test_demands_of_an_exam_need_its_clock_and_no_others_have_one() -> None:
    def without_saves(there: list[dict[str, Any]]) -> None:
        there[:] = [one for one in there if one["name"] != "autosave"]

    def without_any(there: list[dict[str, Any]]) -> None:
        for one in there:
            one.pop("clock", None)
            one.pop("every_seconds", None)

    def with_two_saves(there: list[dict[str, Any]]) -> None:
        there[-1]["clock"] = "save"

    def with_one(there: list[dict[str, Any]]) -> None:
        there[0]["clock"] = "start"

    def renewed_never(there: list[dict[str, Any]]) -> None:
        next(one for one in there if one["name"] == "refresh").pop("every_seconds")

    def back_to_the_login(there: list[dict[str, Any]]) -> None:
        there[-1]["again"] = "login_page"

    assert "`clock` must be start, renew, save, handin in this order" in written(without_saves)
    assert "`clock` must be" in written(with_two_saves)
    assert "belongs to the requests of exam" in written(without_any)
    assert "`clock` must be" in written(with_one, "login")
    assert "`every_seconds` of refresh belongs to `clock: renew`" in written(renewed_never)
    assert "`again` of receipt is no request before it" in written(back_to_the_login)


def test_demands_without_an_exam_are_named(tmp_path: Path) -> None:
    body = yaml.safe_load(DEMANDS_FILE.read_text())
    del body["journeys"]["exam"]
    path = tmp_path / "demands.yaml"
    path.write_text(yaml.safe_dump(body))
    with pytest.raises(InputError, match=r"demands.yaml: journeys.exam: missing"):
        simulate(Choices("spelling", demands=path))
