"""Charts that many pages of tests have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken.report import cpu, journeys
from klokken.report.charts import Chart, Size, draw

if TYPE_CHECKING:
    from markupsafe import Markup

DRAWN: dict[str, Markup] = {}


@pytest.fixture
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a chart drawn by the first page that shows it: most of a page's time is drawing."""
    for module in (cpu, journeys):
        monkeypatch.setattr(module, "draw", _kept)


def _kept(chart: Chart, *sizes: Size) -> Markup:
    shown = repr((chart, sizes))
    if shown not in DRAWN:
        DRAWN[shown] = draw(chart, *sizes)
    return DRAWN[shown]
