"""What pupils met over time: journeys a second, and the percentiles of every request class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.report import series
from klokken.report.charts import NARROW, STYLES, WIDE, Chart, Line, Style, draw
from klokken.report.doings import doing
from klokken.report.numbers import Two, clock_at, danish, english, exact_seconds, since_midnight
from klokken.report.picture import MOST_POINTS, MOST_ROWS, Key, Picture, Table, span
from klokken.report.requirements import class_name

if TYPE_CHECKING:
    from klokken.results import Interval, Results

COUNTS = {
    "offered": Key(STYLES[0], Two("bedt om", "offered"), filled=True),
    "started": Key(STYLES[1], Two("begyndt", "started")),
    "completed": Key(Style("--s3", (), "^"), Two("gennemført", "completed")),
    "failed": Key(Style("--limit", (2, 2), "D"), Two("mislykkedes", "failed")),
    "abandoned": Key(Style("--s4", (8, 2, 2, 2), "v"), Two("gav op", "abandoned")),
}
PERCENTILES = {
    which: Key(style, Two(which, which))
    for which, style in zip(("p50", "p95", "p99"), STYLES, strict=False)
}


def flow(results: Results) -> Picture | None:
    """Return journeys a second over time: what was asked, and what happened."""
    if not results.intervals:
        return None
    shown, noun = series.thinned(results.intervals, MOST_POINTS), doing(results).noun
    rates = {name: series.rates(shown, name) for name in COUNTS}
    zero = since_midnight(results.plan.opens)
    edges = [float(zero + i.start) for i in shown]
    chart = Chart(
        name="flow",
        title=f"Bedt om og fået: {noun.da} pr. sekund",
        description=_flow_words(results, rates),
        x=[*edges, float(zero + shown[-1].start + shown[-1].seconds)],
        span=span(results),
        lines=[Line([*rates[n]], key.style, filled=key.filled) for n, key in COUNTS.items()],
        steps=True,
        lang="da",
    )
    return Picture(
        name="flow",
        heading=Two(f"{noun.da.capitalize()} pr. sekund", f"{noun.en.capitalize()} per second"),
        unit=Two("Antal pr. sekund efter klokkeslæt", "Number a second by time of day"),
        svg=draw(chart, WIDE, NARROW),
        legend=list(COUNTS.values()),
        table=_counts_table(results),
        notes=_thinning(results, shown, "mean"),
    )


def _flow_words(results: Results, rates: dict[str, list[float]]) -> str:
    offered, completed = danish(max(rates["offered"]), 1), danish(max(rates["completed"]), 1)
    noun = doing(results).noun.da
    return (
        f"Der blev højst bedt om {offered} {noun} pr. sekund, og højst {completed} pr. sekund "
        f"lykkedes. I alt blev {danish(results.completed)} af {danish(results.offered)} "
        f"gennemført, {danish(results.failed)} mislykkedes, og {danish(results.abandoned)} gav op. "
        "Tallene står i tabellen under billedet."
    )


def _counts_table(results: Results) -> Table:
    zero = since_midnight(results.plan.opens)
    return Table(
        ["From", "Seconds", *(name.capitalize() for name in COUNTS)],
        [
            [
                clock_at(zero + i.start),
                english(i.seconds),
                *(english(getattr(i, name)) for name in COUNTS),
            ]
            for i in series.thinned(results.intervals, MOST_ROWS)
        ],
    )


def latencies(results: Results) -> list[Picture]:
    """Return the percentiles of every request class over time."""
    names = dict.fromkeys([*results.classes, *(n for i in results.intervals for n in i.latency)])
    return [_latency(results, name, at) for at, name in enumerate(names)] if names else []


def _latency(results: Results, name: str, at: int) -> Picture:
    shown = series.thinned(results.intervals, MOST_POINTS)
    zero = since_midnight(results.plan.opens)
    slo = results.plan.profile.slo.get(name)
    asked = slo.p99_seconds if slo else None
    label = class_name(name)
    chart = Chart(
        name=f"latency-{at}",
        title=f"{label.en}: seconds waited over time",
        description=_latency_words(results, name),
        x=[zero + i.start + i.seconds / 2 for i in shown],
        span=span(results),
        lines=[
            Line(series.percentile(shown, name, which), key.style)
            for which, key in PERCENTILES.items()
        ],
        limit=asked.value if asked else None,
    )
    notes = _thinning(results, shown, "worst")
    if chart.limit is not None and not chart.limit_in_sight:
        limit = exact_seconds(chart.limit)
        notes.append(
            Two(
                f"Grænsen for p99, {limit.da}, ligger over billedet.",
                f"The limit for p99, {limit.en}, lies above the picture.",
            )
        )
    return Picture(
        name=chart.name,
        heading=label,
        unit=Two("Sekunder", "Seconds"),
        svg=draw(chart, NARROW),
        legend=list(PERCENTILES.values()),
        table=_latency_table(results, name),
        notes=notes,
        limit=chart.limit_in_sight,
    )


def _latency_words(results: Results, name: str) -> str:
    worst = series.highest(series.percentile(results.intervals, name, "p99"))
    if worst is None:
        return "Nothing was measured for this class."
    return f"The worst p99 of any interval is {english(worst, 3)} s. The table below has the rest."


def _latency_table(results: Results, name: str) -> Table:
    zero = since_midnight(results.plan.opens)
    rows = []
    for interval in series.thinned(results.intervals, MOST_ROWS):
        found = interval.latency.get(name)
        if found is not None and found.count:
            figures = [english(v, 3) for v in (found.p50, found.p95, found.p99, found.max)]
            rows.append([clock_at(zero + interval.start), english(found.count), *figures])
    return Table(["From", "Count", "p50 s", "p95 s", "p99 s", "max s"], rows)


def _thinning(results: Results, shown: list[Interval], how: str) -> list[Two]:
    """Say what one point stands for where intervals were joined."""
    if len(shown) == len(results.intervals):
        return []
    length = shown[0].seconds
    if how == "worst":
        return [
            Two(
                f"Hvert punkt er det værste af {length} sekunder.",
                f"Each point is the worst of {length} seconds.",
            )
        ]
    return [
        Two(
            f"Hvert trin er gennemsnittet af {length} sekunder.",
            f"Each step is the mean of {length} seconds.",
        )
    ]
