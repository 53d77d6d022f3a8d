"""What Klokken set out to reach beside its peers, and whether what was measured says so."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.facts import spread
from benchmarks.generator.contenders import FAST, K6, KLOKKEN
from benchmarks.generator.outcome import ratio

if TYPE_CHECKING:
    from benchmarks.generator.outcome import Comparison

# Its CPU a login, as a share of a peer's at the same rate.
SHARES = {K6: 0.5, FAST: 0.1}
# The share of a core at which it is to be punctual, and to how many seconds.
HALF, LATENESS = 0.5, 0.010
# Fewer trials that did what was asked could be luck.
TRIALS = 3
_FEW = f"not decided, which takes {TRIALS} trials that kept to the rate"


def costs(found: Comparison) -> str:
    """Say how a login's cost compares with each peer's, at each rate that it was tried at."""
    lines = []
    for peer in SHARES:
        tried = {t.rate for t in found.trials if (t.part, t.name) == ("cost", peer)}
        lines += [_cost(found, rate, peer) for rate in sorted(tried)]
        if not tried:
            lines.append(f"- CPU a login beside {peer}: not measured.")
    return "\n".join(lines)


def _cost(found: Comparison, rate: float, peer: str) -> str:
    ours, theirs, goal = found.costs(KLOKKEN, rate), found.costs(peer, rate), SHARES[peer]
    share = ratio(ours, theirs)
    if share is None:
        idle = peer if ours else KLOKKEN
        return f"- At {rate:g}/s beside {peer}: not decided, no trial of {idle} kept to the rate."
    return (
        f"- At {rate:g}/s a login costs Klokken {share:.2f} of what it costs {peer} (medians of"
        f" {len(ours)} and {len(theirs)} trials that kept to the rate); the goal was {goal:g}:"
        f" {_verdict(kept=share <= goal, trials=min(len(ours), len(theirs)))}."
    )


def lateness(found: Comparison) -> str:
    """Say how late its logins began at half a core."""
    trials = [
        trial
        for trial in found.trials
        if (trial.part, trial.name, trial.share) == ("lateness", KLOKKEN, HALF) and trial.kept_up
    ]
    late = [1000 * trial.lateness.p999 for trial in trials if trial.lateness]
    if not late:
        return "- Lateness of Klokken at half a core: not measured."
    cores = median(trial.cores for trial in trials)
    return (
        f"- At half a core ({cores:.2f} used) 99.9 % of Klokken's logins began at most"
        f" {spread(late, '.1f')} ms late (median of {len(late)} trials that kept to the rate);"
        f" the goal was under {1000 * LATENESS:g} ms:"
        f" {_verdict(kept=median(late) < 1000 * LATENESS, trials=len(late))}."
    )


def _verdict(*, kept: bool, trials: int) -> str:
    if not kept:
        return "not reached"
    return "reached" if trials >= TRIALS else _FEW
