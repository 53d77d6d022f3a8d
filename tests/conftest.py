"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# How long one example takes says how busy the machine is, and nothing about the product.
settings.register_profile("klokken", deadline=None)
settings.load_profile("klokken")
