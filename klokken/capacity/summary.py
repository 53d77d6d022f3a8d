"""What a person sees of a simulation: a table of its minutes and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.simulation import Minute, Simulation

# More misses than these are only counted.
_SHOWN = 5


def summary(found: Simulation, path: Path) -> str:
    """Return the verdict first, then each minute, then what it does not say."""
    ended = (
        f"{found.offered} pupils due: completed {found.completed}, failed {found.failed}, "
        f"left {found.abandoned}"
    )
    if found.level == "fluid":
        ended = f"{found.offered} pupils due; the fluid level counts no failures"
    lines = [
        f"SIMULATED {found.verdict}: {found.profile}, level {found.level}, seed {found.seed}",
        f"  {ended}",
        *_table(found),
        *_missed(found),
        "  No host took part: this is as good as its demands, and it is no measurement.",
    ]
    if found.result_hash:
        lines.append(f"  result hash {found.result_hash}")
    return "\n".join([*lines, f"  written to {path}, and drawn beside it"])


def _table(found: Simulation) -> list[str]:
    tiers = list(found.minutes[0].utilisation)
    head = ["minute", "due", *(f"{tier} %" for tier in tiers), "p50 s", "p99 s", "failed", "left"]
    rows = [head, *(_row(found.journey, minute) for minute in found.minutes)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]


def _row(journey: str, minute: Minute) -> list[str]:
    busy = [f"{100 * share:.0f}" for share in minute.utilisation.values()]
    whole = minute.classes.get(journey)
    if whole is None:
        return [str(minute.minute), str(minute.offered), *busy, "-", "-", "-", "-"]
    left = whole.failures.get("abandoned", 0)
    # A whole exam is no wait.
    times = [f"{whole.p50:.2f}", f"{whole.p99:.2f}"] if whole.max else ["-", "-"]
    ended = [*times, str(whole.requests - whole.ok - left)]
    return [str(minute.minute), str(minute.offered), *busy, *ended, str(left)]


def _missed(found: Simulation) -> list[str]:
    shown = [
        f"  missed in minute {m.minute}: {m.request_class} {m.what} {m.measured:.3g}, "
        f"limit {m.limit:.3g}"
        for m in found.missed[:_SHOWN]
    ]
    more = len(found.missed) - len(shown)
    return [*shown, *([f"  and {more} more"] if more else [])]
