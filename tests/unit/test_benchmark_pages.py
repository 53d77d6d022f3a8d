"""Every page of a benchmark says what follows from the figures that are kept beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import benchmarks.country.document
import benchmarks.directory.document
import benchmarks.generator.document
import benchmarks.measuring.document
import benchmarks.morning.document
import benchmarks.simulator.document
import benchmarks.sizing.document
from benchmarks.country.outcome import Country
from benchmarks.directory.outcome import Comparison as Directories
from benchmarks.facts import DOCUMENTS
from benchmarks.generator.outcome import Comparison as Generators
from benchmarks.measuring.outcome import Comparison as Measurings
from benchmarks.morning.outcome import Ascent
from benchmarks.simulator.outcome import Benchmark as Simulator
from benchmarks.sizing.__main__ import SIZING, written
from benchmarks.sizing.outcome import Benchmark as Sizing

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.facts import Measured

PAGES: dict[str, tuple[type[Measured], Callable[..., str]]] = {
    "country": (Country, benchmarks.country.document.document),
    "directory": (Directories, benchmarks.directory.document.document),
    "generator": (Generators, benchmarks.generator.document.document),
    "measuring": (Measurings, benchmarks.measuring.document.document),
    "morning-rate": (Ascent, benchmarks.morning.document.document),
    "simulator": (Simulator, benchmarks.simulator.document.document),
    "sizing": (Sizing, benchmarks.sizing.document.document),
}


def test_no_figures_are_left_out() -> None:
    assert {path.stem for path in DOCUMENTS.glob("*.json")} == set(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_follows_from_what_was_measured(name: str) -> None:
    kind, page = PAGES[name]
    measured = kind.model_validate_json((DOCUMENTS / f"{name}.json").read_bytes())
    assert (DOCUMENTS / f"{name}.md").read_text(encoding="utf-8") == page(measured)


def test_what_is_said_of_denmark_was_found() -> None:
    found = Sizing.model_validate_json((DOCUMENTS / "sizing.json").read_bytes())
    page = SIZING.read_text(encoding="utf-8")
    assert page == written(page, found)
