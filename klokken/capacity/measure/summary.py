"""What a person sees of a measurement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.capacity.measure.analysis import MATTERS
from klokken.capacity.measure.errands import AUTOSAVE
from klokken.capacity.measure.estimate import TOLERANCE
from klokken.capacity.measure.schedule import COLD, WARM

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.measure.estimate import Estimate, HeldOut
    from klokken.capacity.measure.measurement import Measurement

_MS = 1000


def summary(found: Measurement, folder: Path) -> str:
    """Return the demands with their intervals and checks, errors and what is left out."""
    plan = found.plan
    lines = [
        (
            f"MEASURED on {plan.stack}: {len(found.steps)} steps over {plan.starts} fresh starts,"
            f" {len(found.excluded)} excluded"
        ),
        *(line for name in plan.errands for line in _demands(found, name)),
        *(_knee(found, profile.name) for profile in plan.steady),
        *_warmth(found),
        *(f"  {line}" for profile in plan.profiles for line in _kept(found, profile.name)),
        *(line for each in found.held_out for line in _held_out(each)),
        *(f"  excluded: {line}" for line in found.excluded),
        "  Size from the upper ends: they are those of the unlucky start.",
        f"  written to {folder}",
    ]
    return "\n".join(lines)


def _demands(found: Measurement, journey: str) -> list[str]:
    head = [
        "tier",
        "ms CPU",
        "from",
        "to",
        *(f"start {n}" for n in range(1, found.plan.starts + 1)),
    ]
    rows = [[*head, "by division", "idle cores"]]
    for fit in found.tiers:
        demand = fit.demand[journey]
        starts = [f"{start.demand[journey].value * _MS:.2f}" for start in fit.starts]
        figures = [f"{value * _MS:.2f}" for value in (demand.value, demand.low, demand.high)]
        rows.append(
            [
                str(fit.tier),
                *figures,
                *starts,
                f"{fit.check[journey] * _MS:.2f}",
                f"{fit.idle.value:.3f}",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"  {_article(journey)} costs, in ms of CPU with its 95 % interval:",
        *("    " + "  ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) for row in rows),
        *_disagreements(found, journey),
        *(
            f"  {tier}: its part is known too vaguely, and stays as it was before"
            for tier in found.untold.get(journey, [])
        ),
        *(
            f"  no core is left at {_interval(found.saturation[name])} {name}s a second"
            for name in [journey]
            if name in found.saturation
        ),
    ]


def _article(name: str) -> str:
    return f"an {name}" if name == AUTOSAVE else f"a {name}"


def _disagreements(found: Measurement, journey: str) -> list[str]:
    """Tell where division and line differ, of tiers that do so much of the work that it matters."""
    whole = sum(fit.demand[journey].value for fit in found.tiers)
    return [
        f"  CHECK {fit.tier}: in start {start.start} CPU by completions, less what it used before"
        f" anybody came, is {start.apart[journey] * _MS:.2f} ms, more than {TOLERANCE:.0%} beyond"
        f" the {_ends(start.demand[journey])} ms of its line"
        for fit in found.tiers
        if fit.demand[journey].value > MATTERS * whole
        for start in fit.starts
        if start.disagrees(journey)
    ]


def _ends(demand: Estimate) -> str:
    return f"{demand.low * _MS:.2f} to {demand.high * _MS:.2f}"


def _interval(figure: Estimate) -> str:
    return f"{figure.value:.2f} ({figure.low:.2f} to {figure.high:.2f})"


def _knee(found: Measurement, profile: str) -> str:
    knee = found.knee[profile]
    down = f"one host of {' or '.join(found.down)} down" if found.down else "no host down"
    return (
        f"  {profile}: simulated, every minute keeps its service levels up to {knee.low:.2f} a"
        f" second with the upper ends of all demands and {down} ({knee.value:.2f} with the middle"
        f" start's, {knee.high:.2f} with the lower ends)"
    )


def _warmth(found: Measurement) -> list[str]:
    if not found.warmth:
        return ["  cold logins were not told apart; what was known of them before stays"]
    return [
        f"  {each.tier} is {_interval(each.cold.factor)} times as dear for the first {COLD} logins"
        f" after a start, {_interval(each.warming.factor)} up to the {WARM:,}th"
        for each in found.warmth
    ]


def _kept(found: Measurement, profile: str) -> list[str]:
    """Say how many rates were fitted, and where the largest is not the one held out."""
    kept = found.kept(profile)
    fitted = ", ".join(str(len(rates) - 1) for rates in kept)
    lines = [
        (
            f"{profile}: fitted to {fitted} of {found.plan.steps} {_loads(found, profile)} by"
            " start, one more held out"
        )
    ]
    largest = max(found.rates.rates.get(profile, [0.0]))
    lines += [
        f"{profile}, start {number}: {largest:g} {_each(found, profile)} was excluded, so"
        f" {rates[-1]:g} is held out"
        for number, rates in enumerate(kept, 1)
        if rates[-1] < largest
    ]
    return lines


def _loads(found: Measurement, profile: str) -> str:
    return "rates" if profile in found.knee else "sizes"


def _each(found: Measurement, profile: str) -> str:
    return "a second" if profile in found.knee else "pupils"


def _held_out(each: HeldOut) -> list[str]:
    return [
        (
            f"  held out, start {each.start}, {each.load}"
            + (f", of which the site fell short ({'; '.join(each.short)})" if each.short else "")
            + "; predicted, measured, error:"
        ),
        *(
            f"    {f.what}: {f.predicted:.3f}, {f.measured:.3f} {f.unit}, {100 * f.error:+.1f} %"
            + ("" if f.limit is None else f" ({'within' if f.kept else 'BEYOND'} {f.limit:.0%})")
            for f in each.figures
        ),
    ]
