"""What became known of a run after its storm: the audit, and the faults that were made in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from klokken.audit.summary import sentences
from klokken.audit.verdict import Audit
from klokken.document import read_yaml, validated
from klokken.errors import Exit
from klokken.faults.outcome import Faults
from klokken.report.numbers import Two, exact_seconds, number, seconds
from klokken.results import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

    from klokken.results import Results

    D = TypeVar("D", bound=BaseModel)

AUDIT = "audit.json"
FAULTS = "faults.json"


@dataclass(frozen=True, slots=True)
class Row:
    """One fault as the page shows it; times count from the opening of the exam.

    `failed` are the writes that were not stored meanwhile, None where nobody counted them;
    `logins` is None where the fault did not meet them.
    """

    kind: str
    began: Two
    ended: Two
    failed: Two | None
    back_after: Two
    in_time: bool
    logins: Two | None
    logins_in_time: bool


@dataclass(frozen=True, slots=True)
class Aftermath:
    """The audit of a run and its faults, as far as there are any."""

    audit: Audit | None = None
    faults: Faults | None = None

    @classmethod
    def of(cls, folder: Path) -> Aftermath:
        """Read what the folder of a run holds of it; raise InputError where it is damaged."""
        return cls(_read(Audit, folder / AUDIT), _read(Faults, folder / FAULTS))

    @property
    def lost(self) -> int:
        """How many documents are lost, as the latest audit says."""
        return len(self.audit.lost) if self.audit else 0

    @property
    def broken(self) -> bool:
        """Whether faults were made, so that loss and recovery judge and no service level does."""
        return bool(self.faults and self.faults.faults)

    def verdict(self, results: Results) -> Verdict:
        """Return the verdict on the whole run. What is lost is lost, however late the generator."""
        if self.lost:
            return Verdict.FAIL
        if results.verdict is Verdict.INVALID or (self.audit and self.audit.unread):
            return Verdict.INVALID
        if self.audit and (self.audit.exit is not Exit.PASS or self._missing(results)):
            return Verdict.FAIL
        if self.broken:
            return Verdict.PASS if self._all_back else Verdict.FAIL
        return results.verdict

    def meaning(self, results: Results) -> Two | None:
        """Say what the verdict means where the aftermath has decided it, or None."""
        if self.lost:
            return Two(
                "Elever fik kvittering for arbejde, som platformen ikke har.",
                "Pupils were told that work was stored which the platform does not have.",
            )
        if self.audit and results.verdict is not Verdict.INVALID and self._missing(results):
            count, sat = self.audit.handed_in, results.started_journeys
            return Two(
                f"{count} af {sat} elever, der var til prøve, har kvittering for en aflevering.",
                f"{count} of {sat} pupils who sat have a receipt for what they handed in.",
            )
        if not self.broken or not self.faults:
            return None
        limit = exact_seconds(self.faults.back_limit_seconds)
        meanwhile = Two(
            "Forespørgsler, der mislykkedes imens, var ventet og tæller ikke.",
            "Requests that failed meanwhile were expected and do not count.",
        )
        if all(fault.in_time for fault in self.faults.faults) and not self._all_back:
            return Two(
                f"Arbejde kunne gemmes igen senest {limit.da} efter hver fejl, men nye login var "
                "ikke tilbage i tide.",
                f"Work could be stored again within {limit.en} of each fault's end, but new logins "
                "were not back in time.",
            )
        if not self._all_back:
            return Two(
                f"Platformen var ikke tilbage senest {limit.da} efter hver fejl.",
                f"The platform was not back within {limit.en} of each fault's end.",
            )
        return Two(
            f"Platformen var tilbage senest {limit.da} efter hver fejl. {meanwhile.da}",
            f"The platform was back within {limit.en} of each fault's end. {meanwhile.en}",
        )

    def sentence(self) -> Two | None:
        """Say what the audit found, or None where there was none."""
        if self.audit is None:
            return None
        said = sentences(self.audit)
        return Two(said.da, said.en)

    def rows(self) -> list[Row]:
        """Return the faults in their order."""
        if self.faults is None:
            return []
        return [
            Row(
                kind=f"{fault.kind}@{fault.at:g}",
                began=seconds(fault.began - self.faults.opened, 1),
                ended=seconds(fault.ended - self.faults.opened, 1),
                failed=None if fault.failed_during is None else number(fault.failed_during),
                back_after=_after(fault.back_after),
                in_time=fault.in_time,
                logins=_after(fault.logins_back_after) if fault.logins_watched else None,
                logins_in_time=fault.logins_in_time,
            )
            for fault in self.faults.faults
        ]

    @property
    def _all_back(self) -> bool:
        return self.faults is not None and all(fault.all_in_time for fault in self.faults.faults)

    def _missing(self, results: Results) -> bool:
        return self.audit is not None and self.audit.missing(results.started_journeys)


def _after(back: float | None) -> Two:
    return Two("aldrig", "never") if back is None else seconds(back, 1)


def _read(model: type[D], path: Path) -> D | None:
    return validated(model, read_yaml(path), path) if path.exists() else None
