"""How many examples a test tries that has a number of its own."""

from __future__ import annotations

from hypothesis import settings

# As many as `make test-fast` tries of each.
FEW = 15


def examples(number: int) -> int:
    """Return `number`, or few where the profile of hypothesis tries few."""
    return min(number, FEW) if settings().max_examples == FEW else number
