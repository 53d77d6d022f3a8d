"""Set-up ends with all that it has begun: at Ctrl-C, and when one part fails."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from klokken.paths import PROJECT
from tests.tools.checkout import SLOW_GO, Checkout, interrupt, runs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# Pulumi, the reader of histogram logs and Pebble: what tests need is built all at once.
BUILDS = 3
SETUP = ("tools/setup", "test")


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def wait_for(what: Callable[[], bool], seconds: float = 60) -> bool:
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found


def all_begun(checkout: Checkout) -> bool:
    # A build is two processes: the compiler, and what it has started in turn.
    return len(checkout.processes()) == 2 * BUILDS


def test_ctrl_c_leaves_no_build_behind_and_nothing_half_made(checkout: Checkout) -> None:
    with checkout.start(*SETUP) as process:
        assert wait_for(lambda: all_begun(checkout))
        assert checkout.half_made()
        interrupt(process)
        _, err = process.communicate(timeout=90)
    assert process.returncode == 130
    assert err == ""
    assert wait_for(lambda: not any(map(runs, checkout.processes())), 10)
    assert checkout.half_made() == []


def test_a_part_that_fails_ends_the_others_and_speaks_alone(checkout: Checkout) -> None:
    others = 2 * (BUILDS - 1)
    wait = f'until [ "$(wc -w < "$BEGUN")" = {others} ]; do sleep 0.05; done'
    broken = f'case $PWD in */hdr) {wait}; echo "no such module" >&2; exit 1 ;; esac'
    checkout.stand_in("go", SLOW_GO.replace("until", f"{broken}\nuntil", 1))
    done = checkout.run(*SETUP)
    assert done.returncode == 4
    assert re.fullmatch(r"setup: go build: no such module; see \S+hdr-read\.log\n", done.stderr)
    assert len(checkout.processes()) == others
    assert wait_for(lambda: not any(map(runs, checkout.processes())), 10)
    assert checkout.half_made() == []


def test_a_missing_package_is_named_with_its_reason_before_it_is_installed(
    checkout: Checkout,
) -> None:
    (checkout.stand_ins / "chromium").unlink()
    checkout.stand_in("id", "echo 1000")
    done = checkout.run(*SETUP)
    assert done.returncode == 4
    assert "the Debian package chromium: the report is tested in a real browser" in done.stdout
    assert done.stderr == "setup: as root, run: apt-get install chromium\n"


def test_everything_that_set_up_asks_for_says_why() -> None:
    wants = re.findall(r"^ *want (.*)$", (PROJECT / "tools/setup").read_text(), re.MULTILINE)
    assert len(wants) > 10
    assert [want for want in wants if not re.search(r"' [a-z0-9-]+ '[^']{15,}'$", want)] == []
