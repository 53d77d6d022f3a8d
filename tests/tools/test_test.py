"""`tools/test` runs each part once, and ends at the first that fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.tools.checkout import Checkout

if TYPE_CHECKING:
    from pathlib import Path

CHECKS = ("ruff", "mypy", "ansible-lint")
RUN = "pytest --durations=25 --durations-min=5"
WITHOUT_LAB = f"{RUN} tests --ignore=tests/hosts --ignore=tests/lab"
QUICK = f"{WITHOUT_LAB} -m not slow -n auto --dist loadfile"
SLOW = f"{WITHOUT_LAB} -m slow"
LAB = f"{RUN} tests/lab"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    found = Checkout(tmp_path)
    for name in (*CHECKS, "pytest"):
        found.stand_in(name, f'echo "{name} $*" >> "$BEGUN"')
    return found


def began(checkout: Checkout, part: str) -> tuple[int, list[str]]:
    """Run a part of the tests; return its exit code, and the runs of pytest in it."""
    done = checkout.run("tools/test", part)
    lines = checkout.begun.read_text().splitlines()
    return done.returncode, [line for line in lines if line.startswith("pytest")]


def test_all_of_them_run_once(checkout: Checkout) -> None:
    assert began(checkout, "all") == (0, [QUICK, SLOW, LAB])
    assert {line.split()[0] for line in checkout.begun.read_text().splitlines()} > set(CHECKS)


def test_the_fast_ones_are_the_quick_ones(checkout: Checkout) -> None:
    assert began(checkout, "fast") == (0, [QUICK])


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_that_finds_something_fails_the_whole(checkout: Checkout, check: str) -> None:
    checkout.stand_in(check, "exit 1")
    assert began(checkout, "all") == (1, [])


def test_nothing_follows_tests_that_fail(checkout: Checkout) -> None:
    checkout.stand_in("pytest", 'echo "pytest $*" >> "$BEGUN"; exit 1')
    assert began(checkout, "all") == (1, [QUICK])
