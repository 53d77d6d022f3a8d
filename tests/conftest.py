"""What holds for every test."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import settings

from klokken.paths import cache_folder
from tests.examples import FEW

if TYPE_CHECKING:
    import pytest

# What it remembers of failed examples is no part of a checkout.
os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", str(cache_folder() / "hypothesis"))
# How long one example takes says how busy the machine is, and nothing about the product.
settings.register_profile("klokken", deadline=None)
# What `make test-fast` tries; `make test` tries as many as hypothesis does by itself.
settings.register_profile("few", deadline=None, max_examples=FEW)
settings.load_profile("klokken")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long: one left for the end would keep a core alone."""
    heavy = {item.path for item in items if item.get_closest_marker("heavy")}
    items.sort(key=lambda item: item.path not in heavy)
