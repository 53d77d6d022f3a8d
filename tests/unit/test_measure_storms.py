"""The storms of a measurement, and which of them count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from klokken.capacity.measure import exams, storms
from klokken.capacity.measure.schedule import (
    COMPRESSION,
    EXAM_LENGTH,
    MEASURED,
    SIGNING_IN,
    WARM_UP,
    WARMING,
    Turn,
)
from klokken.capacity.measure.step import Rung, reached, step
from klokken.capacity.measure.steps import Writing
from klokken.errors import InputError
from klokken.profile import Profile
from klokken.record import SPAN_SECONDS
from klokken.storm.attendance import attendance
from klokken.storm.timing import deadline
from tests.unit.synthetic_lab import MACHINE, Lab, start
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.measure.steps import Step
    from klokken.record import Record
    from klokken.results import StormPlan

MINUTE = Profile.named("minute")


def planned(rate: float, seed: int = 1) -> StormPlan:
    profile = storms.steady(MINUTE, 6500, rate)
    return storms.planned(profile, inventory(), run=f"run-{seed}", seed=seed, length=storms.LENGTH)


@pytest.mark.parametrize("rate", [0.25, 1.0, 16.0, 100.0])
def test_a_step_has_the_rate_that_was_asked_for(rate: float) -> None:
    offered = [planned(rate, seed).offered for seed in range(1, 41)]
    wanted = rate * storms.LENGTH
    # Six standard deviations of the mean of so many storms.
    assert abs(np.mean(offered) - wanted) < 1 + 6 * np.sqrt(wanted / 40)


def test_steps_draw_other_people() -> None:
    one, other = (set(attendance(planned(5.0, seed), 0, 6500).pupils) for seed in (1, 2))
    assert len(one & other) < len(one) / 5


def test_a_prediction_meets_the_arrivals_of_the_storm_itself() -> None:
    plan = planned(7.0, seed=3)
    due = storms.due(storms.steady(MINUTE, 6500, 7.0), 3, storms.LENGTH)
    assert due == pytest.approx(attendance(plan, 0, plan.people).due)


def test_the_storm_behind_a_start_is_slow_at_first_and_settles_what_is_warm() -> None:
    profile = storms.warming(MINUTE)
    length = sum(seconds for seconds, _ in WARMING)
    plan = storms.planned(profile, inventory(), run="run", seed=1, length=length)
    assert plan.offered == profile.pupils.value == 3340
    by_second = attendance(plan, 0, plan.people).by_second()
    assert sum(by_second[:20]) < 80
    assert sum(by_second[112:242]) == pytest.approx(1040, abs=150)
    # What the JIT compiles late, it compiles before the first step.
    assert sum(by_second[242:]) == pytest.approx(1800, abs=150)


def test_people_of_a_morning_neither_think_nor_have_bells_of_their_own() -> None:
    morning = storms.steady(Profile.named("morning"), 300, 2.0)
    assert (morning.people, morning.bells) == (None, None)
    assert storms.people_of(Profile.named("morning"), 6500) == 300
    assert storms.people_of(MINUTE, 6500) == 6500


def test_a_rate_for_which_there_are_too_few_people_is_refused() -> None:
    with pytest.raises(
        InputError, match="50 minute a second for 40 s are more than the 1000 people"
    ):
        storms.steady(MINUTE, 1000, 50.0)
    with pytest.raises(InputError, match="fewer than 10 people; give a higher rate, or fewer"):
        storms.steady(MINUTE, 1000, 0.2)


def test_exams_have_sizes_and_all_the_pupils_of_their_profile_to_choose_from() -> None:
    exam = Profile.named("exam")
    assert storms.rates_of(exam, 50.0, 8) == [6.0, 12.0, 19.0, 25.0, 31.0, 38.0, 44.0, 50.0]
    assert storms.highest(exam, 300) == 300
    storms.check(exam, 300, [3.0, 300.0])
    with pytest.raises(InputError, match="exam has 300 pupils, fewer than 301; give a lower"):
        storms.check(exam, 300, [3.0, 301.0])
    with pytest.raises(InputError, match="would have 2 pupils, fewer than 3; give a higher"):
        storms.check(exam, 300, [2.0, 16.0])


def test_an_exam_is_rung_whole_and_compressed() -> None:
    exam = exams.sitting(Profile.named("exam"), 40, renews=True)
    plan = storms.planned(exam, inventory(), run="run", seed=1, length=storms.LENGTH)
    assert (plan.offered, plan.compression) == (40, COMPRESSION)
    due = attendance(plan, 0, plan.people).due
    assert 0 <= min(due) < max(due) <= SIGNING_IN
    assert deadline(plan) == EXAM_LENGTH
    # Paper and document are those of the profile.
    for figure in ("paper_bytes", "paper_files", "document_bytes"):
        assert getattr(exam.exam, figure) == getattr(Profile.named("exam").exam, figure)


def rung(folder: Path, lab: Lab, **changes: Any) -> Rung:
    plan = planned(5.0)
    record: Record = lab.ring(plan, folder / plan.run).model_copy(update=changes)
    writing = Writing(seconds=50.0, journeys=200, written={})
    return Rung(MACHINE, start(1), Turn("minute", 5.0, 0), plan, record, writing)


def judged(folder: Path, phase: str = "warm", lab: Lab | None = None, **changes: Any) -> Step:
    lab = lab or Lab(starts=1)
    found = rung(folder, lab, **changes)
    began = found.record.began
    usage = lab.usage(began + WARM_UP, began + WARM_UP + MEASURED)
    return step(found, phase, WARM_UP, WARM_UP + MEASURED, usage)  # type: ignore[arg-type]


def test_a_step_counts_its_measured_seconds_alone(tmp_path: Path) -> None:
    found = judged(tmp_path)
    plan = planned(5.0)
    due = attendance(plan, 0, plan.people).due
    assert found.fits
    assert found.offered == found.completed == int(((due >= 10) & (due < 40)).sum())
    assert found.achieved == found.completed / 30
    assert found.whole.count == found.service["password"].count
    assert WARM_UP % SPAN_SECONDS == MEASURED % SPAN_SECONDS == 0


def test_a_generator_that_was_late_excludes_a_warm_step(tmp_path: Path) -> None:
    late = judged(tmp_path, lab=Lab(starts=1, lateness=0.2))
    assert "the load generator was late" in late.excluded[0]
    assert judged(tmp_path, "cold", Lab(starts=1, lateness=0.2)).excluded == []


def test_a_rate_that_was_not_reached_is_no_load_to_fit_to(tmp_path: Path) -> None:
    lab = Lab(starts=1)
    seconds = rung(tmp_path, lab).record.seconds
    slow = [count if n < 20 else 0 for n, count in enumerate(seconds.completed)]
    late = [*slow, sum(seconds.completed) - sum(slow)]
    found = judged(tmp_path, seconds=seconds.model_copy(update={"completed": late}))
    assert any("journeys were completed of" in reason for reason in found.short)
    assert found.excluded == []
    assert not found.fits


def test_failures_make_no_load_to_fit_to(tmp_path: Path) -> None:
    seconds = rung(tmp_path, Lab(starts=1)).record.seconds
    failed = [1 if count else 0 for count in seconds.completed]
    completed = [c - f for c, f in zip(seconds.completed, failed, strict=True)]
    changed = seconds.model_copy(update={"completed": completed, "failed": failed})
    found = judged(tmp_path, seconds=changed)
    assert any("journeys failed or were left" in reason for reason in found.short)
    assert found.failed > 0


def test_others_on_the_machine_and_a_service_that_began_anew_exclude_any_step(
    tmp_path: Path,
) -> None:
    for phase in ("cold", "warm"):
        assert "others used 0.30" in judged(tmp_path, phase, Lab(starts=1, foreign=0.3)).excluded[0]
        again = judged(tmp_path, phase, Lab(starts=2))
        assert again.excluded[0] == "identity1: its service began anew"
        cut = judged(tmp_path, phase, cut_short="the master was lost")
        assert cut.excluded.count("the master was lost") == 1


def test_a_guess_is_none_the_worse_for_others_on_the_machine(tmp_path: Path) -> None:
    assert judged(tmp_path, "guess", Lab(starts=1, foreign=0.3)).excluded == []
    again = judged(tmp_path, "guess", Lab(starts=2, foreign=0.3))
    assert again.excluded == ["identity1: its service began anew"]


def test_a_phase_ends_with_the_second_of_its_last_login(tmp_path: Path) -> None:
    record = rung(tmp_path, Lab(starts=1)).record
    second = reached(record, 50)
    assert second is not None
    assert (
        sum(record.seconds.completed[:second]) >= 50 > sum(record.seconds.completed[: second - 1])
    )
    assert reached(record, 10**6) is None
