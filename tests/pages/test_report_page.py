"""The report as a reader meets it: in headless Chromium, which Debian's `chromium` provides."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

import pytest

from klokken.report import write
from klokken.report.sheet import NAME, render
from klokken.results import Verdict
from tests.sheets import sheet
from tests.storms import generator, judgements, latency, storm

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Route

pytestmark = pytest.mark.slow

Scheme: TypeAlias = Literal["light", "dark"]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STORMS = {
    "pass": storm(),
    "fail": storm(
        offered=62_400, failed=3120, verdict=Verdict.FAIL, judgements=judgements(0.05, p99=4.2)
    ),
    "invalid": storm(
        dropped=40,
        verdict=Verdict.INVALID,
        invalid_because=["the generator was late: " + "x" * 300],
        generator=generator(584, lost_workers=1, lateness=latency(584, 0.08)),
    ),
    "nothing": storm(offered=50, dropped=50, classes={}, intervals=[], tiers={}, judgements=[]),
}
# Beside storms, a report of capacity.
PAGES = [*STORMS, "sheet"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Importing it takes seconds, and every part of the tests collects this file.
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - as above

    path = shutil.which("chromium")
    if path is None:
        pytest.fail("there is no chromium; install the Debian package `chromium`", pytrace=False)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()


@dataclass
class Opened:
    """A report in the browser, what else it asked for, and what it complained of."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Reader = Callable[..., Opened]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("results")
    capacity = folder / NAME
    capacity.write_text(render(sheet()), encoding="utf-8")
    storms = {name: write(results, folder / name) for name, results in STORMS.items()}
    return {name: path.as_uri() for name, path in {**storms, "sheet": capacity}.items()}


@pytest.fixture
def read(browser: Browser, pages: dict[str, str]) -> Iterator[Reader]:
    contexts: list[BrowserContext] = []

    def opened(name: str, width: int = 1200, scheme: Scheme = "light") -> Opened:
        uri = pages[name]
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
        contexts.append(context)
        found = Opened(context.new_page())

        def gate(route: Route) -> None:
            if route.request.url == uri:
                route.continue_()
            else:
                found.asked.append(route.request.url)
                route.abort()

        context.route("**/*", gate)
        found.page.on("console", lambda message: found.complaints.append(message.text))
        found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
        found.page.goto(uri)
        return found

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_it_asks_for_nothing_and_complains_of_nothing(
    read: Reader, name: str, scheme: Scheme
) -> None:
    opened = read(name, scheme=scheme)
    assert opened.asked == []
    assert opened.complaints == []


@pytest.mark.parametrize("width", [320, 360, 768, 1200])
@pytest.mark.parametrize("name", PAGES)
def test_it_never_scrolls_sideways(read: Reader, name: str, width: int) -> None:
    page = read(name, width=width).page
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(BEYOND_THE_EDGE, width) == []


# Whatever sticks out to the right, but for what may scroll within its own frame.
BEYOND_THE_EDGE = """width => [...document.querySelectorAll('main *, header *, footer *')]
    .filter(e => !e.closest('.scroll') && !e.closest('svg'))
    .filter(e => e.getBoundingClientRect().right > width + 1)
    .map(e => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("name", PAGES)
def test_headings_are_in_order(read: Reader, name: str) -> None:
    levels = read(name).page.eval_on_selector_all(
        "h1,h2,h3,h4,h5,h6", "all => all.map(h => Number(h.tagName[1]))"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(two <= one + 1 for one, two in pairwise(levels))


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_are_marked(read: Reader, name: str) -> None:
    page = read(name).page
    assert page.get_attribute("html", "lang") == "da"
    spoken = "all => all.map(e => e.closest('[lang]').lang)"
    assert set(page.eval_on_selector_all(".en", spoken)) == {"en"}
    assert set(page.eval_on_selector_all(".da", spoken)) == {"da"}
    empty = "all => all.filter(e => !e.textContent.trim()).length"
    assert page.eval_on_selector_all(".da, .en", empty) == 0


@pytest.mark.parametrize("name", PAGES)
def test_ids_are_unique_and_references_lead_somewhere(read: Reader, name: str) -> None:
    page = read(name).page
    ids = page.eval_on_selector_all("[id]", "all => all.map(e => e.id)")
    assert len(ids) == len(set(ids))
    referred = page.eval_on_selector_all(
        "[aria-labelledby],[aria-describedby],a[href^='#']",
        """all => all.flatMap(e => [e.getAttribute('aria-labelledby'),
            e.getAttribute('aria-describedby'), e.getAttribute('href')?.slice(1)])
            .filter(Boolean)""",
    )
    assert set(referred) <= set(ids)


def test_tables_head_their_rows_and_columns(read: Reader) -> None:
    page = read("fail").page
    assert page.locator("table").count() > 10
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("tbody tr:not(:has(th))").count() == 0


def test_pictures_say_what_they_show(read: Reader) -> None:
    page = read("fail").page
    names = page.eval_on_selector_all(
        ".chart > svg[role=img]", "all => all.map(s => s.querySelector('title').textContent)"
    )
    assert names[0] == "Bedt om og fået: login pr. sekund"
    assert all(names)
    assert page.locator(".chart").count() == page.locator(".chart table").count() == 8


@pytest.mark.parametrize(("width", "shown"), [(360, "narrow"), (1200, "wide")])
def test_one_size_of_each_picture_is_shown(read: Reader, width: int, shown: str) -> None:
    page = read("pass", width=width).page
    assert page.locator("#flow > svg:visible").count() == 1
    assert page.locator(f"#flow > svg.{shown}").is_visible()
    least = page.eval_on_selector_all(
        ".chart > svg text",
        "all => Math.min(...all.map(t => t.getBoundingClientRect().height).filter(Boolean))",
    )
    assert least >= 9


@pytest.mark.parametrize("name", ["pass", "fail", "invalid"])
def test_the_figures_are_those_of_the_results(read: Reader, name: str) -> None:
    page, results = read(name).page, STORMS[name]
    asked = page.eval_on_selector_all(
        ".asked tbody tr", "all => all.map(r => r.cells[1].querySelector('.da').textContent)"
    )
    assert [int(text.replace(".", "")) for text in asked] == [
        results.offered,
        results.started_journeys,
        results.dropped,
        results.completed,
        results.failed,
        results.abandoned,
    ]
    rows = page.eval_on_selector_all(
        "#flow tbody tr", "all => all.map(r => [...r.cells].slice(1).map(c => c.textContent))"
    )
    shown = [[int(text.replace(",", "")) for text in row] for row in rows]
    assert shown == [
        [i.seconds, i.offered, i.started, i.completed, i.failed, i.abandoned]
        for i in results.intervals
    ]


def test_failures_are_counted_by_cause(read: Reader) -> None:
    rows = read("fail").page.eval_on_selector_all(
        "section[aria-labelledby=failures] tbody tr",
        "all => all.map(r => [...r.cells].map(c => c.textContent))",
    )
    assert [row[:3] for row in rows] == [
        ["login", "password: 503", "2,080"],
        ["login", "token: wrong nonce", "1,040"],
    ]


def test_the_verdict_is_seen_first(read: Reader) -> None:
    page = read("fail").page
    assert page.inner_text("h1").split("\n")[0] == "IKKE BESTÅET"
    box = page.locator("h1 .da").bounding_box()
    assert box is not None
    assert box["y"] < 300


def test_it_can_be_read_without_javascript(browser: Browser, pages: dict[str, str]) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(pages["pass"])
    assert page.locator("h1").inner_text().startswith("BESTÅET")
    page.locator("#flow summary").click()
    assert page.locator("#flow table").is_visible()
    context.close()


def test_it_prints_light_and_whole(read: Reader) -> None:
    page = read("pass", scheme="dark").page
    page.emulate_media(media="print", color_scheme="dark")
    ink = page.evaluate("getComputedStyle(document.body).color")
    assert ink == "rgb(27, 36, 48)"
    assert len(page.pdf()) > 10_000
