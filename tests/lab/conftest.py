"""One real lab for all tests of this folder, in a stack and a network of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from klokken.stackconfig import config_path
from tests.lab.laboratory import NETWORK, STACK, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator


# One lab serves all, and the last of these takes it down.
ORDER = [
    "test_lab",
    "test_two_of_a_tier",
    "test_real_drive",
    "test_refusals",
    "test_removal",
    "test_servers",
    "test_hetzner",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the files in their order, and after all that need no lab."""
    here = Path(__file__).parent
    ours = [item for item in items if item.path.parent == here]
    others = [item for item in items if item.path.parent != here]
    items[:] = others + sorted(ours, key=lambda item: ORDER.index(item.path.stem))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Stand a lab up; take it down whatever happens."""
    assert os.geteuid() == 0, "the lab needs root: run the tests as root"
    missing = [name for name in ("systemd-nspawn", "debootstrap", "nft") if not shutil.which(name)]
    assert not missing, f"the lab needs {missing}: run `make setup`"
    site = Lab()
    assert not site.before["containers"], "a lab of the tests is still up: `klokken down test`"
    site.klokken("down", STACK)
    config_path(STACK).unlink(missing_ok=True)
    try:
        assert site.klokken("init", STACK).returncode == 0
        content = yaml.safe_load(config_path(STACK).read_text())
        site.configure(site=content["config"]["klokken:site"] | {"network": NETWORK})
        site.first_log = site.up()
        yield site
    finally:
        site.klokken("down", STACK)
        config_path(STACK).unlink(missing_ok=True)
