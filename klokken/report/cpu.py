"""What the platform spent over time: CPU of every tier by process group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.report import series
from klokken.report.charts import NARROW, STYLES, Chart, Line, draw
from klokken.report.numbers import Two, clock_at, english, since_midnight
from klokken.report.picture import MOST_POINTS, MOST_ROWS, Key, Picture, Table, span

if TYPE_CHECKING:
    from klokken.results import Results, TierCpu


TIERS = {
    "edge": Two("Indgangen", "edge"),
    "identity": Two("Login", "identity"),
    "database": Two("Databasen", "database"),
    "metrics": Two("Målingen", "metrics"),
    "loadgen": Two("Belastningsgeneratoren", "loadgen"),
}


def tiers(results: Results) -> list[Picture]:
    """Return the CPU of every tier that was sampled."""
    found = [(name, tier) for name, tier in results.tiers.items() if any(tier.groups.values())]
    return [_tier(results, name, tier, at) for at, (name, tier) in enumerate(found)]


def _tier(results: Results, name: str, tier: TierCpu, at: int) -> Picture:
    groups = busiest(tier)
    zero = since_midnight(results.plan.opens) + tier.start - results.started.timestamp()
    length = max(len(samples) for samples in groups.values())
    step = tier.step_seconds * series.stride(length, MOST_POINTS)
    lines = [series.means(samples, MOST_POINTS) for samples in groups.values()]
    x = [zero + step * i for i in range(max(len(line) for line in lines))]
    first, last = span(results)
    chart = Chart(
        name=f"cpu-{at}",
        title=f"{name}: CPU in cores over time",
        description=_cpu_words(groups),
        x=x,
        span=(first, last) if x[0] <= last and x[-1] >= first else (x[0], x[-1] + step),
        lines=[
            Line(line + [None] * (len(x) - len(line)), style)
            for line, style in zip(lines, STYLES, strict=False)
        ],
    )
    return Picture(
        name=chart.name,
        heading=TIERS.get(name, Two(name, name)),
        unit=Two("Kerner i brug", "Cores in use"),
        svg=draw(chart, NARROW),
        legend=[Key(s, Two(g, g)) for s, g in zip(STYLES, groups, strict=False)],
        table=_cpu_table(groups, zero, tier.step_seconds),
        notes=[],
    )


def busiest(tier: TierCpu) -> dict[str, list[float | None]]:
    """Return the groups by their CPU; those beyond the styles that there are, summed as one."""
    order = sorted(tier.groups, key=lambda g: (-(series.mean(tier.groups[g]) or 0.0), g))
    if len(order) <= len(STYLES):
        return {group: tier.groups[group] for group in order}
    shown, rest = order[: len(STYLES) - 1], order[len(STYLES) - 1 :]
    together = [
        sum(there) if (there := [v for v in at_once if v is not None]) else None
        for at_once in zip(*(tier.groups[group] for group in rest), strict=False)
    ]
    return {**{g: tier.groups[g] for g in shown}, f"{len(rest)} other groups": together}


def _cpu_words(groups: dict[str, list[float | None]]) -> str:
    tops = {group: series.highest(samples) for group, samples in groups.items()}
    told = [f"{group} at most {english(top, 2)}" for group, top in tops.items() if top is not None]
    return (
        f"Cores in use: {'; '.join(told) or 'nothing was sampled'}. The table below has the rest."
    )


def _cpu_table(groups: dict[str, list[float | None]], zero: float, step: float) -> Table:
    length = max(len(samples) for samples in groups.values())
    wide = step * series.stride(length, MOST_ROWS)
    columns = [series.means(samples, MOST_ROWS) for samples in groups.values()]
    rows = [
        [
            clock_at(zero + wide * i),
            *("\u2013" if i >= len(c) or (v := c[i]) is None else english(v, 2) for c in columns),
        ]
        for i in range(max(len(column) for column in columns))
    ]
    return Table(["From", *groups], rows)
