"""How much dearer a login is after a fresh start, for the tiers that begin cold."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from klokken.capacity.measure.analysis import UnfitError
from klokken.capacity.measure.estimate import Estimate, Phase, Warmth
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from klokken.capacity.measure.estimate import TierFit
    from klokken.capacity.measure.steps import Step

# What is compiled while it runs. HAProxy, PostgreSQL and the drive are compiled before.
BEGIN_COLD = (Tier.IDENTITY,)
JOURNEY = "login"


def warmth(steps: Iterable[Step], fits: Sequence[TierFit]) -> list[Warmth]:
    """Return the factors of cold and warming logins against the warm ones of the same start.

    Nothing where the measurement has no logins to compare with, or rang no such phase. Raises
    UnfitError where the phase of a start does not count: an unlucky one could be missing.
    """
    phases = [step for step in steps if step.phase in {"cold", "warming"} and not step.excluded]
    found = []
    for fit in fits:
        if fit.tier not in BEGIN_COLD or JOURNEY not in fit.demand:
            continue
        cold, warming = (_phase(phases, phase, fit) for phase in ("cold", "warming"))
        if cold and warming:
            found.append(Warmth(tier=fit.tier, cold=cold, warming=warming))
    return found


def _phase(steps: Iterable[Step], phase: str, fit: TierFit) -> Phase | None:
    starts = {start.start: start for start in fit.starts}
    factors = {}
    for step in steps:
        if step.phase == phase and step.completed:
            start = starts[step.start]
            each = (step.usage.tiers[fit.tier].cores - start.idle.value) / step.achieved
            factors[step.start] = max(0.0, each / start.demand[JOURNEY].value)
    if not factors:
        return None
    if missing := sorted(starts.keys() - factors.keys()):
        raise UnfitError(
            f"the {phase} logins of start {', '.join(map(str, missing))} do not count, and"
            " factors need those of all starts; go on with --resume"
        )
    values = sorted(factors.values())
    interval = Estimate(value=median(values), low=values[0], high=values[-1])
    return Phase(factor=interval, by_start=factors)
