"""One real lab for all tests of this folder, in a stack and a network of its own."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from klokken.stackconfig import config_path
from tests.lab.laboratory import NETWORK, STACK, Lab

if TYPE_CHECKING:
    from collections.abc import Iterator


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
