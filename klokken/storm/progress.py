"""A storm as it goes on, one line at a time: on a terminal the same line, else one now and then."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from klokken.results import StormPlan

# Seconds of the storm between two lines where the output is no terminal.
QUIET_SECONDS = 5


@dataclass(slots=True)
class ProgressLine:
    """Writes a storm's progress to `out`; `second` is the one of the storm shown last."""

    plan: StormPlan
    out: TextIO
    second: int = 0
    _shown: int | None = None

    def show(self, line: str) -> bool:
        """Show one line of a progress.jsonl; return whether it was the last of the storm.

        A line cut short, as it may be while being written, is passed over.
        """
        try:
            now = json.loads(line)
            text, second, done = _text(now, self.plan), int(now["second"]), bool(now["done"])
        except (ValueError, KeyError, TypeError):
            return False
        self.second = second
        if self.out.isatty():
            self.out.write(f"\r\x1b[K{text}" + ("\n" if done else ""))
        elif done or self._shown is None or second >= self._shown + QUIET_SECONDS:
            self.out.write(text + "\n")
            self._shown = second
        self.out.flush()
        return done

    def end(self) -> None:
        """Leave a line that is being rewritten, so that what follows stands on its own."""
        if self.out.isatty():
            self.out.write("\n")


def _text(now: dict[str, Any], plan: StormPlan) -> str:
    text = (
        f"{now['clock']}  offered {now['offered']}/{plan.offered}  started {now['started']}"
        f"  completed {now['completed']}  failed {now['failed']}"
        f"  abandoned {now['abandoned']}  {now['rate']:.1f}/s"
    )
    if now["dropped"]:
        text += f"  dropped {now['dropped']}"
    if now["lost"]:
        text += f"  workers lost {now['lost']}/{now['workers']}"
    return text
