"""Exams measured, of a lab whose truth is known because it is simulated."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest

from klokken import histogram
from klokken.capacity.demands import Demands
from klokken.capacity.measure import exams, report
from klokken.capacity.measure.accounts import Accounts
from klokken.capacity.measure.analysis import UnfitError
from klokken.capacity.measure.errands import errands
from klokken.capacity.measure.knee import largest
from klokken.capacity.measure.measurement import Known, Measurement, measured
from klokken.capacity.measure.output import demands_file
from klokken.capacity.measure.picture import picture
from klokken.capacity.measure.run import Run
from klokken.capacity.measure.schedule import WINDOWS, Turn, renews, sizes
from klokken.capacity.measure.steps import NAME, Rates, Steps
from klokken.capacity.measure.summary import summary
from klokken.capacity.run import Choices, simulate
from klokken.errors import Exit
from klokken.profile import Profile
from klokken.record import ClassCounts, Span
from klokken.topology import Tier
from tests.unit.synthetic_exam import EXAM, IDLE, SHARES, TRUTH, ExamLab, exam_plan, exam_step
from tests.unit.synthetic_lab import ACCOUNTS, BASE, PLATFORM, start, step
from tests.unit.synthetic_lab import TRUTH as LOGIN
from tests.unit.test_report import words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.capacity.measure.steps import Step

pytestmark = pytest.mark.heavy

KNOWN = Known(BASE, PLATFORM, ACCOUNTS)
SIZES = sizes(56, 8)
RENEWING = exams.sitting(EXAM, 20, renews=True)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Return every step of a lab whose readings are 2 % off."""
    steps = Steps.begin(tmp_path_factory.mktemp("exam") / "run" / NAME, exam_plan())
    Run(ExamLab(noise=0.02), steps, BASE, lambda _: None).go_on()
    return steps


@pytest.fixture(scope="module")
def found(steps: Steps) -> tuple[Measurement, Demands]:
    """Return what those steps say."""
    return measured(steps, KNOWN)


def test_what_each_errand_costs_is_found_within_its_interval(
    found: tuple[Measurement, Demands],
) -> None:
    for fit in found[0].tiers:
        for name, truth in TRUTH.items():
            demand = fit.demand[name]
            assert demand.low <= truth[fit.tier] <= demand.high, (fit.tier, name)
        assert fit.idle.low <= IDLE[fit.tier] <= fit.idle.high


def test_an_errand_is_told_from_what_is_done_beside_it(
    found: tuple[Measurement, Demands],
) -> None:
    for name, tier in (("paper", Tier.DRIVE), ("autosave", Tier.DRIVE), ("refresh", Tier.IDENTITY)):
        [fit] = [fit for fit in found[0].tiers if fit.tier is tier]
        assert fit.demand[name].value == pytest.approx(TRUTH[name][tier], rel=0.1)
        # By division, idle is in it, and nothing else.
        assert TRUTH[name][tier] < fit.check[name]
        assert sum(fit.groups[name].values()) == pytest.approx(fit.demand[name].value, rel=0.2)


def test_every_size_is_sat_in_each_start_and_tokens_renewed_in_every_second(steps: Steps) -> None:
    for number in (1, 2, 3):
        own = [s for s in steps.of(number) if s.phase == "warm"]
        assert sorted(s.rate for s in own) == SIZES
        assert [s.rate for s in own] != SIZES
        for each in own:
            assert each.offered == each.completed == each.rate
            assert each.renews == renews(SIZES, each.rate)
            assert bool(each.done["refresh"]) == each.renews
    assert renews(SIZES, SIZES[-1])


def test_the_largest_exam_is_predicted_without_it(found: tuple[Measurement, Demands]) -> None:
    assert [(each.start, each.rate) for each in found[0].held_out] == [
        (number, SIZES[-1]) for number in (1, 2, 3)
    ]
    for each in found[0].held_out:
        judged = {figure.what: figure for figure in each.figures if figure.limit}
        assert {"throughput of autosave", "utilisation of drive", "p95"} <= set(judged)
        # Its saves are the storm's own, but for the time that each paper took.
        assert abs(judged["throughput of autosave"].error) < 0.03
        for figure in judged.values():
            assert figure.kept, (each.start, figure)
    assert found[0].predicted_well


def test_the_file_of_demands_can_be_simulated_and_has_what_was_measured(
    found: tuple[Measurement, Demands], tmp_path: Path
) -> None:
    path = tmp_path / "demands.yaml"
    path.write_text(demands_file(*found))
    read = Demands.read(path)
    assert read.held_out
    assert read.journeys == BASE.journeys
    for name in TRUTH:
        errand = errands(BASE)[name]
        for fit in found[0].tiers:
            if fit.tier not in errand.tiers - {*found[0].untold.get(name, [])}:
                continue
            works = [read.work[r.name][fit.tier] for r in errand.requests if fit.tier in r.path]
            whole = sum(work.value for work in works)
            assert whole == pytest.approx(fit.demand[name].value, rel=1e-3), (name, fit.tier)
            assert all("Told apart from what else is done in an exam" in w.source for w in works)
    # A login is not rung while it is measured.
    assert read.work["password"] == BASE.work["password"]
    assert read.work["drives"] == BASE.work["drives"]
    assert simulate(Choices("exam", demands=path, level="fluid")).verdict
    assert simulate(Choices("exam", demands=path, fraction=0.05)).completed == 15


def test_people_see_what_each_errand_costs_and_no_knee(
    found: tuple[Measurement, Demands], tmp_path: Path
) -> None:
    shown = summary(found[0], tmp_path)
    assert "an autosave costs, in ms of CPU" in shown
    assert "exam: fitted to 7, 7, 7 of 8 sizes by start, one more held out" in shown
    assert "held out, start 2, exam of 56 pupils" in shown
    assert "no core is left" not in shown
    assert (found[0].knee, found[0].saturation) == ({}, {})
    page = words(report.render(found[0]))
    assert "An autosave costs" in page
    assert "Held out, start 1: exam of 56 pupils" in page
    drawn = picture(found[0], EXAM)
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - drawn a line above
    assert drawn == picture(found[0], EXAM)


def test_a_measurement_of_exams_says_the_same_when_it_is_read_again(
    steps: Steps, found: tuple[Measurement, Demands]
) -> None:
    again, demands = measured(Steps.read(steps.path), KNOWN)
    assert demands == found[1]
    assert again.model_dump(exclude={"finished"}) == found[0].model_dump(exclude={"finished"})


def test_what_an_exam_begins_and_ends_is_away_from_the_edges_of_its_windows() -> None:
    papers, _, handins = WINDOWS
    begun = exams.begun(exams.sitting(EXAM, 200, renews=False), seed=5)
    for name, (first, end) in (("paper", papers), ("handin", handins)):
        moments = [moment for what, moment, _ in begun if what == name]
        assert len(moments) == 200
        assert first + 2 <= min(moments) < max(moments) <= end - 3
        assert max(moments) - min(moments) > 9
    assert not any(what == "refresh" for what, _, _ in begun)
    assert any(what == "refresh" for what, _, _ in exams.begun(RENEWING, seed=5))


def test_the_largest_exam_takes_a_share_of_the_cores_as_far_as_is_known() -> None:
    plan = exam_plan()
    accounts = Accounts(ACCOUNTS, plan)
    one = largest(plan, IDLE, BASE, accounts)
    assert 30 < one < 300
    assert largest(plan, dict.fromkeys(IDLE, 0.2), BASE, accounts) < one
    many = Accounts(ACCOUNTS, plan.model_copy(update={"in_cell": {"exam": 5000.0}}))
    # Who signs in has to be found among all accounts of the cell.
    assert largest(plan, IDLE, BASE, many) < one / 2


def test_an_exam_beside_logins_shares_what_is_used_with_nobody_there(tmp_path: Path) -> None:
    minute = Profile.named("minute")
    rates = {"minute": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0], "exam": SIZES}
    steps = Steps.begin(tmp_path / "run" / NAME, exam_plan(profiles=[minute, EXAM]))
    steps.rates = Rates(knee=18.0, rates=rates)
    for number in (1, 2, 3):
        steps.starts[number] = start(number)
        steps.steps += [logins(rate, number) for rate in rates["minute"]]
        steps.steps += [exam_step(n, number, renews=renews(SIZES, n)) for n in SIZES]
    found, demands = measured(steps, KNOWN)
    for fit in found.tiers:
        assert fit.demand["login"].value == pytest.approx(LOGIN.get(fit.tier, 0.0), abs=1e-6)
        assert fit.demand["handin"].value == pytest.approx(TRUTH["handin"][fit.tier], abs=1e-6)
        assert fit.idle.value == pytest.approx(IDLE[fit.tier], abs=1e-6)
    # Its proportions are those of no real exam, and so are no part of what a visit takes.
    assert demands.resources[Tier.DRIVE] == BASE.resources[Tier.DRIVE]
    assert set(found.knee) == {"minute"}


def logins(rate: float, number: int) -> Step:
    cores = {tier: IDLE[tier] + LOGIN.get(tier, 0.0) * rate for tier in IDLE}
    return step(rate, start=number, usage=ExamLab().used(cores))


def refused(folder: Path, made: Callable[[float, int], Step]) -> str:
    """Return the line with which the exams that are `made` are refused."""
    steps = Steps.begin(folder / "run" / NAME, exam_plan())
    steps.rates = Rates(knee=0.0, rates={"exam": SIZES})
    for number in (1, 2, 3):
        steps.starts[number] = start(number)
        steps.steps += [made(size, number) for size in SIZES]
    with pytest.raises(UnfitError) as told:
        measured(steps, KNOWN)
    assert told.value.code is Exit.INVALID
    assert "\n" not in str(told.value)
    return str(told.value)


def test_a_start_that_keeps_too_few_sizes_is_refused(tmp_path: Path) -> None:
    def made(size: float, number: int) -> Step:
        late = ["the load generator was late"] * (number == 2 and size > 35)
        return exam_step(size, number, renews=renews(SIZES, size), excluded=late)

    assert "start 2 keeps 5 of 8 rates of exam and needs 6 (the load generator was late)" in (
        refused(tmp_path, made)
    )


def test_renewals_that_one_exam_alone_would_tell_of_are_refused(tmp_path: Path) -> None:
    def made(size: float, number: int) -> Step:
        lost = ["3 of 28 journeys failed or were left"] * (size in {14, 28})
        return exam_step(size, number, renews=renews(SIZES, size), short=lost)

    assert "start 1 keeps 1 exams in which tokens were renewed and needs 2" in (
        refused(tmp_path, made)
    )


def test_a_drive_that_works_less_the_more_is_saved_is_refused(tmp_path: Path) -> None:
    def made(size: float, number: int) -> Step:
        return exam_step(
            size,
            number,
            renews=renews(SIZES, size),
            truth=TRUTH | {"autosave": TRUTH["autosave"] | {Tier.DRIVE: -0.0005}},
        )

    assert "drive's demand of autosave is not above 0" in refused(tmp_path, made)


def sat(folder: Path, **changes: Any) -> Step:
    """Return an exam of 28 pupils at a lab, of whose record some is changed."""
    lab = ExamLab(starts=1)
    sit = lab.sit
    lab.sit = lambda plan: sit(plan).model_copy(update=changes)  # type: ignore[method-assign]
    steps = Steps.begin(folder / "run" / NAME, exam_plan())
    steps.add(start(1))
    steps.add(Rates(knee=0.0, rates={"exam": SIZES}))
    return Run(lab, steps, BASE, lambda _: None).sit(start(1), Turn("exam", 28.0, 0))


def test_an_exam_counts_its_pupils_and_each_window_its_errands(tmp_path: Path) -> None:
    found = sat(tmp_path)
    assert found.fits
    assert found.load == "exam of 28 pupils"
    papers, writing, handing_in = found.windows
    assert papers.errands["paper"] == handing_in.errands["handin"] == 28
    assert writing.errands["autosave"] == pytest.approx(28 * 10 / 1.5, rel=0.1)
    assert found.whole.count == sum(w.errands["autosave"] for w in found.windows)


def test_saves_that_the_site_had_no_time_for_are_no_load_to_fit_to(tmp_path: Path) -> None:
    counted = ClassCounts(requests=28, ok=28, failures={})
    classes = dict.fromkeys(("exam", *SHARES), counted)
    classes["autosave"] = counted.model_copy(update={"left_out": 40})
    found = sat(tmp_path, classes=classes)
    assert found.short == ["40 saves came due while the one before was under way"]
    assert not found.fits


def test_pupils_who_come_in_too_late_are_no_load_to_fit_to(tmp_path: Path) -> None:
    drawn = histogram.empty()
    histogram.add_all(drawn, [1.0] * 5)
    lab = ExamLab(starts=1)
    plan = lab.plan(exams.sitting(EXAM, 28, renews=False), "run-1", 1, 0)
    late = Span(start=10, request_class="token", kind="service", hdr=histogram.encoded(drawn))
    found = sat(tmp_path, spans=[*lab.sit(plan).spans, late])
    assert "5 pupils were signed in only after the start" in found.short
