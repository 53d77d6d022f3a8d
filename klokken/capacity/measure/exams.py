"""Exams of a measurement: how they are sat, and what they show as steps.

An exam has no rate. Its size is what is varied, and its clock runs so fast that its work comes as
densely as at a steady rate: first papers, then saves, then hand-ins. Each of these stretches has
them in another proportion, by which the cost of each is told apart.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from klokken.capacity.demands import EXAM
from klokken.capacity.measure import errands
from klokken.capacity.measure.errands import AUTOSAVE, HANDIN, PAPER, REFRESH
from klokken.capacity.measure.schedule import (
    COMPRESSION,
    EXAM_LENGTH,
    EXAM_STARTS,
    PAPERS,
    RENEWAL,
    SAVES,
    SIGNING_IN,
    WINDOWS,
)
from klokken.capacity.measure.step import SHORT, UNDER_WAY, latency, step
from klokken.capacity.measure.steps import Window
from klokken.capacity.measure.storms import OPENS, after
from klokken.capacity.morning import MINUTE_SECONDS
from klokken.curve import Curve, seconds
from klokken.profile import Profile
from klokken.storm.sitting import Sitting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.step import Rung
    from klokken.capacity.measure.steps import Step
    from klokken.capacity.measure.usage import Usage

_WHY = "Sat in less than a minute, to tell what each part of it costs."


def sitting(base: Profile, pupils: float, *, renews: bool) -> Profile:
    """Return the exam of a profile as so many pupils sit it for a measurement."""
    grounds = {"assumed": True, "why": _WHY}
    exam = {
        "starts": after(EXAM_STARTS * COMPRESSION),
        "minutes": (EXAM_LENGTH - EXAM_STARTS) * COMPRESSION / MINUTE_SECONDS,
        "autosave_least_seconds": float(SAVES[0] * COMPRESSION),
        "autosave_most_seconds": float(SAVES[1] * COMPRESSION),
        # Within the last five minutes, HANDING_IN seconds.
        "last_minutes_share": 1.0,
        "compression": float(COMPRESSION),
        "paper_within_seconds": float(PAPERS * COMPRESSION),
        **({"renewal_seconds": float(RENEWAL * COMPRESSION)} if renews else {}),
    }
    body = base.model_dump(exclude={"arrivals"}, exclude_none=True)
    body["pupils"] = {"value": round(pupils), **grounds}
    body["exam"] |= {name: {"value": value, **grounds} for name, value in exam.items()}
    closes = after(SIGNING_IN * COMPRESSION)
    arrivals = {"kind": "uniform", "opens": OPENS, "closes": closes, **grounds}
    return Profile.model_validate({**body, "arrivals": arrivals})


def begun(profile: Profile, seed: int) -> list[tuple[str, float, int]]:
    """Return what pupils begin at a storm's own moments, as errand, second and pupil.

    Nobody knows before how long a paper takes: the clock of saves is started without.
    """
    exam = profile.exam
    if exam is None:
        raise AssertionError("only exams are sat")
    renewal = exam.renewal_seconds
    every = renewal.value / COMPRESSION if renewal else inf
    signed_in = Curve.of(profile.arrivals).due(seed, 0, profile.pupils.value) - seconds(OPENS)
    found: list[tuple[str, float, int]] = []
    for pupil, token in enumerate((signed_in / COMPRESSION).tolist()):
        own = Sitting(exam, seed, pupil, COMPRESSION, starts=EXAM_STARTS, ends=EXAM_LENGTH)
        saves = [(AUTOSAVE, moment) for _, moment in own.autosaves(own.paper)]
        ends = token + every
        for name, moment in [(PAPER, own.paper), *saves, (HANDIN, own.handin)]:
            if moment >= ends:
                found.append((REFRESH, moment, pupil))
                ends = moment + every
            found.append((name, moment, pupil))
    return found


def sat(rung: Rung, base: Demands, whole: Usage, parts: Sequence[Usage]) -> Step:
    """Return an exam as a step; `whole` is what was used from its start, `parts` by window."""
    record, exam = rung.record, rung.plan.profile.exam
    if exam is None:
        raise AssertionError("only exams are sat")
    own = errands.of(EXAM, base.journeys[EXAM])
    names = [request.name for one in own for request in one.requests]
    windows = []
    for (first, end), part in zip(WINDOWS, parts, strict=True):
        answered = {name: latency(record, name, "service", first, end).count for name in names}
        done = {one.name: one.counted(answered, exam.paper_files.value) for one in own}
        cpu = {tier: use.cpu for tier, use in part.tiers.items()}
        windows.append(Window(seconds=end - first, errands=done, cpu=cpu))
    began, ends = WINDOWS[0][0], WINDOWS[-1][1]
    found = step(rung, "warm", began, ends, whole)
    by = record.seconds
    # Of all pupils, whenever they were due and had their receipt.
    counts = {
        "offered": sum(by.offered),
        "completed": sum(by.completed),
        "failed": sum(by.failed) + sum(by.abandoned),
    }
    late = latency(record, "token", "service", began, ends).count
    left_out = record.classes[AUTOSAVE].left_out if AUTOSAVE in record.classes else 0
    saves = sum(window.errands[AUTOSAVE] for window in windows)
    short = list(found.short)
    if late > UNDER_WAY:
        short.append(f"{late} pupils were signed in only after the start")
    if left_out > SHORT * saves:
        short.append(f"{left_out} saves came due while the one before was under way")
    return found.model_copy(
        update={
            **counts,
            "whole": latency(record, AUTOSAVE, "service", began, ends),
            "service": {n: times for n, times in found.service.items() if n in names},
            "short": short,
            "windows": windows,
            "renews": exam.renewal_seconds is not None,
        }
    )
