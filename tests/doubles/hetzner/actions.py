"""What takes its time: an action is under way for some requests, and while a machine is busy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.doubles.hetzner.catalogue import Json
    from tests.doubles.hetzner.machines import Work


@dataclass
class Running:
    """An action that has not ended: how many requests are left, and what comes of it.

    One that is `doomed` fails; so does one whose `work` does.
    """

    action: Json
    left: int
    effect: Callable[[], None]
    doomed: bool
    work: Work

    def over(self) -> bool:
        """Say whether it has come to its end."""
        return self.left < 0 and (self.work is None or self.work.done())

    def failure(self) -> str:
        """Return what went wrong, or nothing."""
        if self.doomed:
            return "Action failed"
        problem = self.work.exception() if self.work else None
        return f"Action failed: {problem}" if problem else ""
