"""The benchmark of mornings: which rates it rings, when it stops, and what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.morning import __main__ as command
from benchmarks.morning.document import document, sentence
from benchmarks.morning.ladder import RATES, climb
from benchmarks.morning.outcome import missed, step
from benchmarks.morning.plans import LIMIT, plan, profile
from klokken import deployment, seeding
from klokken.errors import InputError
from klokken.results import Verdict
from klokken.storm import run
from klokken.storm.attendance import attendance
from tests.storms import latency, request_class, storm
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.results import Results, StormPlan


@given(st.floats(0.1, 40))
def test_the_highest_rate_that_holds_is_found_to_within_half_a_step(limit: float) -> None:
    tried: list[float] = []

    def carries(rate: float) -> bool:
        tried.append(rate)
        return rate <= limit

    best = climb(carries, RATES)
    assert best <= limit
    assert len(tried) == len(set(tried))
    above = [rate for rate in tried if rate > limit]
    assert len(above) <= 2
    if above:
        gap = min(above) - best
        first_miss = next(rate for rate in RATES if rate > limit)
        last_hold = max([rate for rate in RATES if rate <= limit], default=0.0)
        assert gap == pytest.approx((first_miss - last_hold) / 2)
    else:
        assert best == RATES[-1]


@pytest.mark.parametrize("rate", [*RATES, 0.5, 2.5, 5.0])
def test_a_storm_offers_exactly_its_rate_within_a_minute(rate: float) -> None:
    made = plan(inventory(), rate, 1000, "a-run", 2)
    present = attendance(made, 0, made.people)
    assert len(present) == made.offered == rate * 60
    assert 0 <= present.due[0] <= present.due[-1] < 60


def test_each_rate_draws_people_of_its_own() -> None:
    one, other = (plan(inventory(), rate, 1000, "a-run", 2) for rate in (2.0, 3.0))
    people = [set(attendance(made, 0, made.people).pupils.tolist()) for made in (one, other)]
    assert len(people[0] & people[1]) < 0.4 * len(people[0])


def test_everything_must_stay_under_the_limit() -> None:
    levels = profile(4.0, 1000).slo.values()
    assert {slo.p99_seconds.value for slo in levels if slo.p99_seconds} == {LIMIT}


def test_a_rate_that_needs_more_people_than_there_are_is_one_line() -> None:
    with pytest.raises(InputError, match="100 are too few; give 240"):
        plan(inventory(), 4.0, 100, "a-run", 2)


def rung(planned: StormPlan, seconds: float = 1.0, **changes: Any) -> Results:
    classes = {
        name: request_class(planned.offered, {}, seconds) for name in ("morning", "open", "save")
    }
    body = {"plan": planned, "classes": classes, "judgements": [], **changes}
    return storm(planned.offered, **body)


def planned(rate: float = 2.0) -> StormPlan:
    return plan(inventory(), rate, 1000, "a-run", 2)


def test_a_class_without_a_level_of_its_own_must_keep_the_limit_as_well() -> None:
    slow = {
        "class_folder": request_class(3, {}, 1.0).model_copy(update={"intended": latency(3, 2)})
    }
    assert missed(rung(planned(), classes=slow)) == ["class_folder p99_seconds 4.2"]
    assert missed(rung(planned())) == []


@pytest.mark.parametrize(
    "classes",
    [
        {"first_drives": request_class(2, {}, 1.0)},
        {"open": request_class(9, {"404": 2}, 1.0)},
    ],
)
def test_pupils_who_were_not_seeded_end_the_benchmark(classes: Any) -> None:
    with pytest.raises(InputError, match="2 came without documents; run it with --seed"):
        step(rung(planned(), classes=classes))


class Site:
    """A stack that carries so many mornings a second, and whose generator is late at times."""

    def __init__(self, limit: float, late: set[int] | None = None) -> None:
        self.limit, self.late = limit, late or set()
        self.rates: list[float] = []
        self.seeded: list[int] = []

    def storm(self, _: Any, planned: StormPlan) -> tuple[Results, Any]:
        self.rates.append(planned.offered / 60)
        if len(self.rates) in self.late:
            return rung(planned, verdict=Verdict.INVALID, invalid_because=["it was late"]), None
        return rung(planned, 1.0 if self.rates[-1] <= self.limit else 9.0), None

    def fill(self, _: Any, planned: StormPlan) -> seeding.Seeded:
        self.seeded.append(planned.pupils)
        return seeding.Seeded(empty=planned.pupils // 2)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Site:
    made: Site = request.param
    monkeypatch.setattr(deployment, "read_inventory", lambda _: inventory())
    monkeypatch.setattr(command, "worker_count", lambda _: 2)
    monkeypatch.setattr(run, "storm", made.storm)
    monkeypatch.setattr(seeding, "fill", made.fill)
    return made


@pytest.mark.parametrize("site", [Site(5.2)], indirect=True)
def test_it_warms_rises_stops_at_the_first_miss_and_bisects(site: Site) -> None:
    found = command.ascend("lab", 1000, seed=False)
    assert site.rates == [command.WARM, 1, 2, 3, 4, 6, 5]
    assert found.rate == 5
    assert [s.rate for s in found.steps] == [1, 2, 3, 4, 6, 5]
    assert site.seeded == []
    assert sentence(found).endswith("The lowest rate that missed was 6.")


@pytest.mark.parametrize("site", [Site(100)], indirect=True)
def test_it_ends_where_there_are_no_more_people(site: Site) -> None:
    found = command.ascend("lab", 300, seed=True)
    assert found.rate == 4
    assert site.seeded == [300]
    assert sentence(found).endswith("No higher rate was tried.")


@pytest.mark.parametrize("site", [Site(3, late={3})], indirect=True)
def test_a_storm_whose_generator_was_late_is_rung_once_more(site: Site) -> None:
    assert command.ascend("lab", 1000, seed=False).rate == 3
    assert site.rates == [command.WARM, 1, 2, 2, 3, 4, 3.5]


@pytest.mark.parametrize("site", [Site(100, late={4, 5, 6, 7})], indirect=True)
def test_a_generator_that_stays_late_is_said_to_be_the_limit(site: Site) -> None:
    found = command.ascend("lab", 1000, seed=False)
    assert site.rates[-4:] == [3, 3, 2.5, 2.5]
    assert found.rate == 2
    assert "Above it the load generator was the limit, not the platform." in sentence(found)


@pytest.mark.parametrize("site", [Site(0.1)], indirect=True)
def test_a_stack_that_carries_nothing_is_told_so(site: Site) -> None:
    found = command.ascend("lab", 1000, seed=False)
    assert (found.rate, site.rates) == (0, [command.WARM, 1, 0.5])
    assert "No rate that was tried held." in document(found)


@pytest.mark.parametrize("site", [Site(5.2)], indirect=True)
def test_the_command_prints_and_writes_the_table(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.facts.DOCUMENTS", tmp_path)
    done = CliRunner().invoke(command.main, ["--seed"])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "morning-rate.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert rows[1].startswith("| 1 | 60 | 60 | 0 | 0.40 | 0.84 | `open` 0.84 | yes |")
    assert "| 6 | 360 | 360 | 0 | 3.60 | 7.56 | `open` 7.56 | no: morning p99_seconds 7.56;" in page
    assert "**5 school mornings a second held" in page
    assert "the drives of 1,000 pupils and their teachers were seeded in 0 s;" in page
    assert " 500 of these 1,048 drives were empty before." in page
    assert (tmp_path / "morning-rate.json").exists()
    assert site.seeded == [1000]
