"""The dry runs of the benchmark, each with processes of its own."""

from __future__ import annotations

import sys
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.country.outcome import Run
from klokken import telemetry
from klokken.errors import MachineError
from klokken.profile import Profile
from klokken.storm import dry, outcome
from klokken.storm.attendance import attendance
from klokken.storm.plan import plan_dry_run
from klokken.storm.timing import arriving

if TYPE_CHECKING:
    from klokken.results import StormPlan

# Seconds of a storm after which one that only shows its schedule is stopped.
LOOK = 5.0
# Journeys a second and seconds of the run that tells what a journey costs, roughly.
TRIAL_RATE, TRIAL_SECONDS = 400, 6
# The fields of a profile that makes an even load without people's thinking.
EVEN = "minute"


def schedule(profile: Profile, workers: int) -> Run:
    """Schedule all pupils of `profile` on its whole morning, and stop before many are due."""
    plan = plan_dry_run(profile, run="schedule", workers=workers, answer_seconds=dry.ANSWER_SECONDS)
    return _rung("schedule", plan, LOOK)


def peak(profile: Profile, workers: int, minutes: float) -> Run:
    """Ring the minutes around the highest second of `profile` as fast as they are."""
    whole = plan_dry_run(profile, run="peak", workers=workers)
    by_second = attendance(whole, 0, whole.people).by_second()
    middle = by_second.index(max(by_second))
    midnight = datetime.combine(datetime(2000, 1, 1), whole.opens)  # noqa: DTZ001 - a school's clock
    ends = [midnight + timedelta(seconds=middle + 60 * minutes * part) for part in (-0.5, 0.5)]
    opens, closes = (end.replace(microsecond=0).time() for end in ends)
    plan = plan_dry_run(
        profile,
        run="peak",
        workers=workers,
        opens=opens,
        closes=closes,
        answer_seconds=dry.ANSWER_SECONDS,
    )
    return _rung("peak", plan)


def steps(shares: list[float], seconds: int) -> list[Run]:
    """Ring an even load that takes each of these shares of a core, on one worker."""
    cost = even(TRIAL_RATE, TRIAL_SECONDS).cpu_milliseconds / 1000
    found = []
    for share in shares:
        run = even(max(1, round(share / cost)), seconds)
        # A journey becomes cheaper as the rate grows; the next step starts from what this one was.
        cost = run.cpu_milliseconds / 1000
        found.append(run)
    return found


def even(rate: int, seconds: int) -> Run:
    """Ring `rate` logins a second on one worker."""
    body = Profile.named(EVEN).model_dump()
    body["pupils"]["value"] = rate * seconds
    body["arrivals"] |= {"opens": time(8), "closes": time(8, 0, seconds)}
    profile = Profile.model_validate(body)
    plan = plan_dry_run(profile, run="even", answer_seconds=dry.ANSWER_SECONDS)
    return _rung(f"{rate} a second", plan)


def _rung(what: str, plan: StormPlan, seconds: float | None = None) -> Run:
    with tempfile.TemporaryDirectory(prefix="klokken-") as name:
        record = dry.rung(plan, Path(name), sys.stderr, seconds)
    found = outcome.results(plan, record, outcome.Surroundings(telemetry.own_machine()))
    if seconds is None and not found.started_journeys:
        raise MachineError(f"{what}: no journey was started")
    return Run.of(what, found, seconds or arriving(plan))
