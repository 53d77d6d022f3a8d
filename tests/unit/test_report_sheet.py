"""The report of a sizing or a measurement: one page that needs nothing but itself."""

from __future__ import annotations

import re

import pytest

from klokken.report.numbers import Two
from klokken.report.sheet import Table, render
from tests.sheets import drawing, sheet
from tests.unit.test_report import HOSTILE, words


def test_the_answer_comes_first_in_both_languages() -> None:
    text = words(render(sheet()))
    answer = "820 servere, 225.508 kr. om måneden 820 hosts, 225,508 DKK a month"
    assert answer in text
    assert text.index(answer) < text.index("Så kommer alle") < text.index("Resten er for teknikere")
    assert "Regnet ud 22. november 2026 Reckoned 22 November 2026" in text
    assert "kr. pr. elev DKK a pupil 0,38 0.38 her here" in text
    assert "edge 8 CPX22" in text


@pytest.mark.parametrize(("tone", "signs"), [("answer", 0), ("pass", 1), ("fail", 1)])
def test_only_what_passes_or_fails_has_a_sign(tone: str, signs: int) -> None:
    page = render(sheet(tone=tone))
    assert page.count('class="sign"') == signs
    assert f'<header class="hero {tone}">' in page


def test_pictures_are_part_of_the_page_with_ids_of_their_own() -> None:
    page = render(sheet())
    assert page.count('<svg class="drawn"') == 2
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert '<title id="cost-title">Backlog</title>' in page


def test_it_needs_nothing_from_elsewhere() -> None:
    page = render(sheet())
    assert not re.search(r"(?:src|href|action)=\"(?!#|data:)", page)
    assert not re.search(r"url\((?!#)|@import|<script|<iframe|javascript:|https?://", page)


def test_the_same_sheet_gives_the_same_bytes() -> None:
    assert render(sheet()) == render(sheet())


def test_hostile_texts_stay_texts() -> None:
    twice = Two(HOSTILE, HOSTILE)
    page = render(
        sheet(
            title=twice,
            answer=twice,
            notes=[twice],
            drawings=[drawing(title=HOSTILE)],
            tables=[Table(twice, [HOSTILE, HOSTILE], [[HOSTILE, HOSTILE]])],
        )
    )
    assert "<script" not in page
    assert page.count("&lt;script&gt;") > 10
