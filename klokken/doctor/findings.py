"""What was looked at, and what of it is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.document import Document

if TYPE_CHECKING:
    from collections.abc import Iterable


class Finding(Document):
    """One thing that was looked at; where it is missing, `text` says the mend too."""

    topic: str
    ready: bool
    text: str


class Cost(Document):
    """What a stack costs a month, net of VAT, and where the figures are from."""

    eur: float
    dkk: float
    ground: str


class Examination(Document):
    """Everything that was looked at, in its order. `cost` is None where no price is known."""

    stack: str
    substrate: str
    findings: list[Finding]
    cost: Cost | None = None

    @property
    def ready(self) -> bool:
        """Whether nothing is missing."""
        return all(finding.ready for finding in self.findings)

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        marks = {True: "ready", False: "MISSING"}
        lines = [f"{marks[f.ready]:8} {f.topic:12} {f.text}" for f in self.findings]
        if self.cost:
            money = f"EUR {self.cost.eur:,.0f} a month (DKK {self.cost.dkk:,.0f}) net of VAT"
            lines.append(f"{'':8} {'cost':12} {money}; {self.cost.ground}")
        return lines


def judged(topic: str, problems: Iterable[str], well: str) -> list[Finding]:
    """Return a finding a problem, or that all is `well`."""
    missing = [Finding(topic=topic, ready=False, text=text) for text in problems]
    return missing or [Finding(topic=topic, ready=True, text=well)]
