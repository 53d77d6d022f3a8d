"""What the comparison found: every block of requests, and the figures that follow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from benchmarks.facts import Measured
from klokken.document import Document
from klokken.results import Seconds, Whole


class Block(Document):
    """Requests of one kind to one cell, sent together.

    `step` is how many accounts the benchmark had made, `accounts` how many the cell holds
    afterwards. `cpu_seconds` is what drive and slapd used, less what they use when idle;
    `seconds` has the duration of each request that succeeded.
    """

    step: Whole
    request: str
    directory: str
    accounts: Whole
    sent: Whole
    cpu_seconds: Seconds
    idle_cores: Seconds
    seconds: list[float]
    causes: dict[str, int]


class Comparison(Measured):
    """A whole run of the benchmark. `accounts_before` is by directory."""

    stack: str
    accounts_before: dict[str, int]
    steps: list[int]
    blocks: list[Block]


@dataclass(frozen=True, slots=True)
class Figures:
    """CPU of one request in ms, median of the blocks and their range; durations in ms."""

    cpu: float
    cpu_least: float
    cpu_most: float
    p50: float
    p95: float
    sent: int
    failed: int


def figures(comparison: Comparison, step: int, request: str, directory: str) -> Figures | None:
    """Return the figures of one kind of request at one step, or None where none succeeded."""
    wanted = (step, request, directory)
    blocks = [b for b in comparison.blocks if (b.step, b.request, b.directory) == wanted]
    seconds = sorted(s for block in blocks for s in block.seconds)
    if not seconds:
        return None
    cpu = [1000 * block.cpu_seconds / block.sent for block in blocks]
    sent = sum(block.sent for block in blocks)
    return Figures(
        cpu=median(cpu),
        cpu_least=min(cpu),
        cpu_most=max(cpu),
        p50=1000 * median(seconds),
        p95=1000 * seconds[math.ceil(0.95 * len(seconds)) - 1],
        sent=sent,
        failed=sent - len(seconds),
    )
