from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken import report
from klokken.report import accounts, charts, cpu, numbers, reasons, requirements, series, svg
from klokken.results import Judgement, TierCpu
from tests.storms import intervals, storm

CSS = (Path(report.__file__).parent / "report.css").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "digits", "danish", "english"),
    [(1234567.891, 2, "1.234.567,89", "1,234,567.89"), (0, 0, "0", "0"), (999, 0, "999", "999")],
)
def test_numbers(value: float, digits: int, danish: str, english: str) -> None:
    assert numbers.number(value, digits) == (danish, english)


@given(st.integers(min_value=0, max_value=10**12))
def test_both_languages_say_the_same_number(value: int) -> None:
    two = numbers.number(value)
    assert int(two.da.replace(".", "")) == int(two.en.replace(",", "")) == value


@given(st.integers(min_value=0, max_value=10**7), st.integers(min_value=1, max_value=10**7))
def test_a_share_is_0_or_100_only_when_it_is(part: int, whole: int) -> None:
    part = min(part, whole)
    shown = numbers.share(part / whole).en
    if whole <= 10**6:
        assert (shown.strip("%0.") == "") == (part == 0)
        assert (float(shown.strip("%")) == 100) == (part == whole)


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.0042, "0,004"), (0.84, "0,84"), (12.34, "12,3"), (100, "100")]
)
def test_seconds(value: float, shown: str) -> None:
    assert numbers.seconds(value).da == f"{shown}\u00a0s"


def test_days_and_clocks() -> None:
    assert numbers.date(datetime(2025, 5, 3, tzinfo=UTC)) == ("3. maj 2025", "3 May 2025")
    assert numbers.clock_at(8 * 3600 + 61.9) == "08:01:01"
    assert numbers.clock_at(86_401) == "00:00:01"


@given(st.integers(1, 400), st.integers(1, 50), st.integers(0, 3000))
def test_thinning_loses_no_count(length: int, most: int, offered: int) -> None:
    whole = intervals(offered, offered // 3, offered // 7, length)
    shown = series.thinned(whole, most)
    assert len(shown) <= most
    for count in ("offered", "started", "completed", "failed"):
        assert sum(getattr(i, count) for i in shown) == sum(getattr(i, count) for i in whole)
    assert sum(i.seconds for i in shown) == length
    worst = series.highest(series.percentile(whole, "login", "p99"))
    assert series.highest(series.percentile(shown, "login", "p99")) == worst


def test_percentiles_are_gaps_where_nothing_was_measured() -> None:
    found = series.percentile(intervals(1, 0, 0, 5), "login", "p99")
    assert sum(value is not None for value in found) == 1


@given(st.lists(st.none() | st.floats(0, 64), max_size=300), st.integers(1, 40))
def test_means_keep_within_what_was_sampled(samples: list[float | None], most: int) -> None:
    shown = series.means(samples, most)
    assert len(shown) <= most
    top, shown_top = series.highest(samples), series.highest(shown)
    assert (top is None) == (shown_top is None)
    assert shown_top is None or top is None or shown_top <= top * (1 + 1e-9)


def test_groups_beyond_the_styles_are_summed() -> None:
    groups: dict[str, list[float | None]] = {f"g{n}": [float(n), None] for n in range(9)}
    shown = cpu.busiest(TierCpu(step_seconds=5, start=0, groups=groups))
    assert list(shown) == ["g8", "g7", "g6", "g5", "g4", "4 other groups"]
    assert shown["4 other groups"] == [6.0, None]


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_sums(done: int, failed: int, dropped: int) -> None:
    found = accounts.Sum("offered", done, [("started", failed), ("dropped", dropped)])
    assert found.difference == done - failed - dropped
    assert all(s.difference == 0 for s in accounts.all_sums(storm(offered=90, failed=7, dropped=2)))


def test_an_unknown_service_level_is_shown_as_it_stands() -> None:
    odd = Judgement(request_class="odd", what="queue", limit=2.0, measured=2.0000004, kept=False)
    run = storm(judgements=[odd], verdict="FAIL")
    asked = requirements.requirement(odd, run)
    assert (asked.what.da, asked.limit.en, asked.measured.en) == ("queue", "2", "2.000000")
    assert reasons.reasons(run)[0].en == "odd, queue: 2 allowed, 2.000000 measured."


@pytest.mark.parametrize(
    ("first", "last", "most", "ticks"),
    [
        (28770, 28830, 4, [28770, 28785, 28800, 28815, 28830]),
        (28770, 28771, 8, [28770, 28771]),
        (0, 86_400, 4, [0, 28_800, 57_600, 86_400]),
        (0, 86_400e4, 4, [0, 216_000_000, 432_000_000, 648_000_000, 864_000_000]),
    ],
)
def test_time_ticks(first: float, last: float, most: int, ticks: list[int]) -> None:
    assert charts.time_ticks(first, last, most) == ticks


@given(st.lists(st.none() | st.floats(0, 9), min_size=1, max_size=60))
def test_a_point_that_no_line_reaches_is_marked(values: list[float | None]) -> None:
    marked = set(charts.marked(values))
    for at, value in enumerate(values):
        near = values[max(0, at - 1) : at] + values[at + 1 : at + 2]
        if value is not None and all(v is None for v in near):
            assert at in marked
        if value is None:
            assert at not in marked


def chart(name: str) -> charts.Chart:
    return charts.Chart(
        name=name,
        title="A <title>",
        description="B & C",
        x=[0.0, 1.0, 2.0],
        span=(0.0, 2.0),
        lines=[charts.Line([1.0, None, 3.0], charts.STYLES[1])],
        limit=4.0,
    )


def test_charts_have_ids_of_their_own_and_the_colours_of_the_page() -> None:
    drawn = charts.draw(chart("one"), charts.WIDE, charts.NARROW) + charts.draw(
        chart("two"), charts.NARROW
    )
    ids = re.findall(r' id="([^"]+)"', drawn)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', drawn))
    assert used
    assert used <= set(ids)
    assert "A &lt;title&gt;" in drawn
    assert "B &amp; C" in drawn
    assert not re.search(r"#0[ab]000|<style|xlink|metadata|font-family|http", drawn)
    assert "var(--limit)" in drawn


def test_every_colour_of_a_chart_is_a_colour_of_the_page() -> None:
    light, dark = palettes()
    assert set(svg.COLOURS.values()) <= set(light)
    assert {name for name in light if light[name].startswith("#")} == set(dark)


@pytest.mark.parametrize("palette", [0, 1], ids=["light", "dark"])
def test_contrast_is_aa(palette: int) -> None:
    colours = palettes()[palette]
    texts = {"--ink", "--ink-soft", "--link", "--pass", "--fail", "--invalid"}
    lines = {"--s1", "--s2", "--s3", "--s4", "--s5", "--s6", "--limit"}
    for paper in ("--paper", "--card"):
        for name in texts | lines:
            least = 4.5 if name in texts else 3
            assert contrast(colours[name], colours[paper]) >= least, (name, paper)
    for tone in ("pass", "fail", "invalid"):
        for name in (f"--{tone}", "--ink", "--ink-soft"):
            assert contrast(colours[name], colours[f"--{tone}-tint"]) >= 4.5, (name, tone)
    for name in ("--s2", "--s3", "--limit"):
        assert contrast(colours[name], colours["--fill"]) >= 3, name


def palettes() -> list[dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", CSS, re.DOTALL)
    return [dict(re.findall(r"(--[\w-]+): (#\w{6});", block)) for block in blocks]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
