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
ON_ALL_CORES = f"{WITHOUT_LAB} -n auto --dist loadfile --no-loadscope-reorder"
QUICK = f"{ON_ALL_CORES} -m not slow"
FAST = f"{ON_ALL_CORES} -m not slow and not heavy --hypothesis-profile=few"
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


def test_the_fast_ones_run_beside_lint(checkout: Checkout) -> None:
    assert began(checkout, "fast") == (0, [FAST])
    assert {line.split()[0] for line in checkout.begun.read_text().splitlines()} > set(CHECKS)


def linted(checkout: Checkout) -> int:
    """Return how often the roles were linted."""
    return checkout.begun.read_text().count("ansible-lint")


def test_the_fast_ones_lint_no_roles_that_were_passed_as_they_are(checkout: Checkout) -> None:
    began(checkout, "lint")
    began(checkout, "fast")
    assert linted(checkout) == 1
    (checkout.folder / "site.yml").write_text("- hosts: all\n")
    began(checkout, "fast")
    assert linted(checkout) == 2
    began(checkout, "lint")
    assert linted(checkout) == 3


def test_roles_that_were_not_passed_are_linted_again(checkout: Checkout) -> None:
    checkout.stand_in("ansible-lint", "exit 1")
    assert [began(checkout, "fast")[0] for _ in range(2)] == [1, 1]


@pytest.mark.parametrize("part", [*CHECKS, "pytest"])
def test_the_fast_ones_fail_where_one_of_them_does(checkout: Checkout, part: str) -> None:
    checkout.stand_in(part, "exit 1")
    assert began(checkout, "fast")[0] == 1


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_that_finds_something_fails_the_whole(checkout: Checkout, check: str) -> None:
    checkout.stand_in(check, "exit 1")
    assert began(checkout, "all") == (1, [])


def test_nothing_follows_tests_that_fail(checkout: Checkout) -> None:
    checkout.stand_in("pytest", 'echo "pytest $*" >> "$BEGUN"; exit 1')
    assert began(checkout, "all") == (1, [QUICK])
