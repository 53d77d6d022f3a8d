"""Exams measured, of a lab whose truth is known because it is simulated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from klokken.capacity.demands import Demands
from klokken.capacity.measure.errands import errands
from klokken.capacity.measure.measurement import Known, Measurement, measured
from klokken.capacity.measure.run import Run
from klokken.capacity.measure.steps import NAME, Steps
from klokken.capacity.measure.summary import summary
from klokken.topology import Tier
from tests.unit.synthetic_exam import IDLE, TRUTH, ExamLab, exam_plan
from tests.unit.synthetic_lab import ACCOUNTS, BASE, PLATFORM

if TYPE_CHECKING:
    from pathlib import Path

KNOWN = Known(BASE, PLATFORM, ACCOUNTS)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Steps:
    """Return every step of a lab whose readings are 2 % off."""
    steps = Steps.begin(tmp_path_factory.mktemp("exam") / "run" / NAME, exam_plan())
    Run(ExamLab(noise=0.02), steps, BASE, print).go_on()
    return steps


@pytest.fixture(scope="module")
def found(steps: Steps) -> tuple[Measurement, Demands]:
    """Return what those steps say."""
    return measured(steps, KNOWN)


def test_what_each_errand_costs_is_found_within_its_interval(
    found: tuple[Measurement, Demands], tmp_path: Path
) -> None:
    print(summary(found[0], tmp_path))
    for fit in found[0].tiers:
        for name, truth in TRUTH.items():
            demand = fit.demand[name]
            assert demand.low <= truth[fit.tier] <= demand.high, (fit.tier, name)
        assert fit.idle.low <= IDLE[fit.tier] <= fit.idle.high
