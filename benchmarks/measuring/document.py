"""The result as people read it: the page in docs/benchmarks/."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.facts import facts
from benchmarks.measuring.outcome import JUDGED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.measuring.outcome import Comparison
    from klokken.capacity.measure.estimate import Compared, Estimate, HeldOut
    from klokken.capacity.measure.measurement import Measurement

STARTS = 5
_MS = 1000
_GOALS = {
    "throughput": "throughput of the largest storm",
    "utilisation": "cores of each tier in it",
    "p95": "p95 of what pupils wait for in it",
}


def goals(found: Comparison) -> str:
    """Return what was to be reached, and what was."""
    rows = [_goal(found, kind) for kind in JUDGED]
    most = max(len(run.starts) for run in found.runs)
    starts = " and ".join(f"{len(run.starts)} of {_subject(run)}" for run in found.runs)
    enough = _reached(most >= STARTS)
    rows.append(
        f"| {STARTS} separate runs: fresh starts, each fitted and predicted alone | {enough} |"
        f" {starts} |"
    )
    return _table(["goal", "reached", "measured"], rows)


def _goal(found: Comparison, kind: str) -> str:
    figures = list(found.judged(kind))
    limit = figures[0][1].limit or 0.0
    kept = sum(figure.kept for _, figure in figures)
    errors = [abs(figure.error) for _, figure in figures]
    step, worst = max(figures, key=lambda one: abs(one[1].error))
    return (
        f"| {_GOALS[kind]} within {limit:.0%} | {_reached(kept == len(figures))} | {kept} of"
        f" {len(figures)}; in the median {median(errors):.1%} off, at worst"
        f" {worst.error:+.1%} ({worst.what}, {step.load}, start {step.start}) |"
    )


def _reached(yes: bool) -> str:  # noqa: FBT001 - the goal was reached or not
    return "yes" if yes else "**no**"


def _subject(run: Measurement) -> str:
    return " and ".join(f"`{profile.name}`" for profile in run.plan.profiles)


def _table(head: Sequence[str], rows: Iterable[str]) -> str:
    return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *rows])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def costs(run: Measurement) -> str:
    """Return what each errand costs each tier, by start."""
    starts = [f"start {number}" for number in range(1, len(run.starts) + 1)]
    rows = []
    for errand in run.plan.errands:
        for fit in run.tiers:
            demand = fit.demand[errand]
            rows.append(
                _row(
                    [
                        errand,
                        str(fit.tier),
                        _interval(demand, _MS),
                        *(f"{start.demand[errand].value * _MS:.2f}" for start in fit.starts),
                        f"{fit.check[errand] * _MS:.2f}",
                    ]
                )
            )
    return _table(["errand", "tier", "ms of CPU (95 %)", *starts, "by division"], rows)


def _interval(figure: Estimate, scale: float = 1.0) -> str:
    low, value, high = (scale * part for part in (figure.low, figure.value, figure.high))
    return f"{value:.2f} ({low:.2f} to {high:.2f})"


def predicted(several: Sequence[HeldOut]) -> str:
    """Return the steps held out of one profile: what was predicted, measured, and the error."""
    names = list(dict.fromkeys(f"{f.what}, {f.unit}" for each in several for f in each.figures))
    rows = []
    for each in several:
        figures = {f"{figure.what}, {figure.unit}": figure for figure in each.figures}
        cells = [_compared(figures[name]) if name in figures else "-" for name in names]
        rows.append(_row([str(each.start), each.load, *cells]))
    return _table(["start", "storm", *names], rows)


def _compared(figure: Compared) -> str:
    error = f"{figure.error:+.1%}"
    said = error if figure.kept else f"**{error}**"
    return f"{figure.predicted:.3g} / {figure.measured:.3g}, {said}"


def _section(run: Measurement) -> str:
    profiles = [profile.name for profile in run.plan.profiles]
    tables = "\n\n".join(
        predicted([each for each in run.held_out if each.profile == name]) for name in profiles
    )
    excluded = "\n".join(f"- {line}" for line in run.excluded) or "None."
    return f"""\
## {", ".join(profiles).capitalize()}

{len(run.steps)} storms over {len(run.starts)} fresh starts, {run.plan.began:%d %B %Y, %H:%M} to {run.finished:%H:%M} UTC, run `{run.plan.run}`. Others, the hypervisor included, took {_taken(run)} cores meanwhile.

{costs(run)}

{_warmth(run)}

The largest storm of each start, predicted from its smaller ones: predicted / measured, error. What has no limit is told and not judged; bold is beyond its limit.

{tables}

Storms that do not count:

{excluded}
"""


def _taken(run: Measurement) -> str:
    shares = sorted(step.usage.taken for step in run.steps if step.fits)
    return f"{median(shares):.3f} ({shares[0]:.3f} to {shares[-1]:.3f})"


def _warmth(run: Measurement) -> str:
    said = [
        f"{each.tier} {_interval(each.cold.factor)} times for the first {run.phases.cold} logins,"
        f" {_interval(each.warming.factor)} up to the {run.phases.warming:,}th"
        for each in run.warmth
    ]
    told = f"Dearer after a start than warm: {'; '.join(said)}." if said else ""
    knees = [
        f"`{name}` {_interval(knee)} a second, and no core left at"
        f" {_interval(run.saturation[_journey(run, name)])}"
        for name, knee in run.knee.items()
    ]
    borne = f"Every minute keeps its service levels up to: {'; '.join(knees)}." if knees else ""
    return "\n\n".join(part for part in (told, borne) if part) or "Logins are not told apart here."


def _journey(run: Measurement, name: str) -> str:
    return next(str(profile.journey) for profile in run.plan.profiles if profile.name == name)


def document(found: Comparison) -> str:
    """Return the page docs/benchmarks/measuring.md."""
    stack = found.runs[0].plan.stack
    sections = "\n".join(_section(run) for run in found.runs)
    return f"""\
# What journeys cost in a lab, and how well that predicts

Written by `python -m benchmarks.measuring` from runs of [`klokken measure`](../measuring.md), which says what is rung, how demands follow, and what is held out.

{goals(found)}

{sections}
{facts(found)}

## To repeat
On a machine that is left alone, for as long as the first line of each says:

```sh
klokken up {stack}
{_commands(found)}
python -m benchmarks.measuring results/RUN results/RUN
```

Everything measured is in [measuring.json](measuring.json).
"""


def _commands(found: Comparison) -> str:
    lines = []
    for run in found.runs:
        plan = run.plan
        exams = [f"klokken seed {profile.name}" for profile in plan.profiles if profile.exam]
        profiles = "".join(f" --profile {profile.name}" for profile in plan.profiles)
        most = "".join(f" --most {name}={rate:g}" for name, rate in plan.most.items())
        lines += [
            *exams,
            f"klokken measure {plan.stack}{profiles} --starts {plan.starts}{most}",
        ]
    return "\n".join(lines)
