"""The page: a pure function from results to HTML."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from klokken.report import (
    accounts,
    cpu,
    journeys,
    numbers,
    reasons,
    requirements,
    series,
    sources,
    words,
)
from klokken.report.aftermath import Aftermath
from klokken.report.doings import doing
from klokken.report.numbers import Two
from klokken.results import Verdict

if TYPE_CHECKING:
    from klokken.results import Results, TierCpu

# The stack that `klokken storm` takes when none is named.
DEFAULT_STACK = "lab"


def render(results: Results, aftermath: Aftermath | None = None) -> str:
    """Return the report of `results`, and of what followed, as one self-contained page."""
    context = _context(results, aftermath or Aftermath())
    return environment().get_template("report.html.j2").render(context)


@cache
def environment() -> Environment:
    """Return what all reports are made with: their templates are compiled once."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(Two=Two, numbers=numbers)
    environment.filters.update(n=numbers.english, gib=numbers.gibibytes, breakable=breakable)
    return environment


def _context(results: Results, aftermath: Aftermath) -> dict[str, Any]:
    return {
        "r": results,
        "plan": results.plan,
        **_verdict(results, aftermath),
        **_measured(results),
        **_record(results),
    }


def _verdict(results: Results, aftermath: Aftermath) -> dict[str, Any]:
    judged = aftermath.verdict(results)
    return {
        "judged": judged.value,
        "verdict": words.VERDICTS[judged],
        "headline": words.headline(results),
        "meaning": aftermath.meaning(results) or words.meaning(results, judged),
        "reasons": _reasons(results, aftermath),
        "faults": aftermath.rows(),
        "lost": aftermath.lost,
        "scale": words.scale(results),
        "measured_share": words.measured_share(results),
        "figures": words.figures(results),
        "doing": doing(results),
        "day": numbers.date(results.started),
        "sums": accounts.main_sums(results),
        "requirements": requirements.requirements(results),
        "any_assumed": requirements.any_assumed(results),
    }


def _reasons(results: Results, aftermath: Aftermath) -> list[Two]:
    """Return why: what the audit found, then the storm's own reasons where those judge it."""
    found = aftermath.sentence()
    expected = aftermath.broken and results.verdict is not Verdict.INVALID
    own = [] if expected else reasons.reasons(results)
    return [*([found] if found else []), *own]


def _measured(results: Results) -> dict[str, Any]:
    return {
        "flow": journeys.flow(results),
        "latencies": journeys.latencies(results),
        "tiers": cpu.tiers(results),
        "cpu_rows": cpu_rows(results.tiers),
        "all_sums": accounts.all_sums(results),
        "failures": failures(results),
        "retries": {name: c.retries for name, c in results.classes.items() if c.retries},
        "left_out": sum(c.left_out for c in results.classes.values()),
        "gave_up": gave_up(results),
        "class_name": requirements.class_name,
    }


def _record(results: Results) -> dict[str, Any]:
    origins = sources.origins(results.plan.profile)
    return {
        "origins": origins,
        "assumptions": [origin for origin in origins if origin.assumed],
        "settings": sources.settings(results.plan),
        "command": command(results),
    }


def failures(results: Results) -> list[tuple[str, str, int]]:
    """Return (class, cause, count) of every failure; classes in order, frequent causes first."""
    return [
        (name, cause, count)
        for name, found in results.classes.items()
        for cause, count in sorted(found.failures.items(), key=lambda item: (-item[1], item[0]))
        if count
    ]


def gave_up(results: Results) -> Two:
    """Say after what wait somebody gave up: for the whole, or at an exam for a request."""
    plan = results.plan
    waited = plan.retries.timeout_seconds if plan.profile.exam else plan.longest_patience
    told = numbers.exact_seconds(waited)
    if plan.profile.people is None:
        return Two(f"efter {told.da}", f"after {told.en}")
    return Two(f"efter højst {told.da}", f"after at most {told.en}")


def cpu_rows(tiers: dict[str, TierCpu]) -> list[tuple[str, str, str, str]]:
    """Return (tier, group, mean, highest) in cores of every process group that was sampled."""
    return [
        (tier, group, _cores(series.mean(samples)), _cores(series.highest(samples)))
        for tier, found in tiers.items()
        for group, samples in sorted(found.groups.items())
    ]


def _cores(value: float | None) -> str:
    return "\u2013" if value is None else numbers.english(value, 3)


def command(results: Results) -> list[str]:
    """Return the command that rings the same storm again, option by option."""
    plan = results.plan
    stack = [] if plan.stack == DEFAULT_STACK else [f"--stack {shlex.quote(plan.stack)}"]
    if plan.dry:
        stack = [f"--dry-run --workers {plan.workers} --answer {plan.dry_answer_seconds!r}"]
    return [
        f"klokken storm {plan.profile.name}",
        *stack,
        f"--fraction {plan.fraction!r}",
        f"--seed {plan.seed}",
        f"--from {numbers.clock(plan.opens)}",
        f"--until {numbers.clock(plan.closes)}",
        *([f"--compress {plan.compression!r}"] if plan.profile.exam or plan.dry else []),
    ]


def breakable(text: str) -> Markup:
    """Let a browser break a long name after its punctuation."""
    safe = str(escape(text))
    return Markup(re.sub(r"([._/-])(?=\w)", r"\1<wbr>", safe))  # noqa: S704 - escaped just above
