"""A sizing from beginning to end: read, searched, proven and put down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from klokken import files
from klokken.capacity.demands import VISITED
from klokken.capacity.sizing import answer
from klokken.capacity.sizing.answer import Sizing
from klokken.capacity.sizing.asked import BOUND
from klokken.capacity.sizing.proof import prove, takeovers
from klokken.capacity.sizing.search import Plan
from klokken.capacity.sizing.task import best, plans, task
from klokken.errors import InputError
from klokken.paths import RESULTS

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.pricelist import PriceList
    from klokken.capacity.sizing.fit import Rules
    from klokken.capacity.sizing.proof import Proof, Takeover
    from klokken.capacity.sizing.task import Choices, Task
    from klokken.profile import Title

# How much more is kept free where the exact level misses what the search promised, and how often.
_STEP, _STEPS = 0.05, 4


@dataclass(frozen=True, slots=True)
class Sized:
    """The answer, and the plan, prices and title of the profile that it speaks of."""

    answer: Sizing
    plan: Plan
    prices: PriceList
    title: Title


def size(chosen: Choices, today: date | None = None) -> Sized:
    """Return how large a platform a profile needs; raise InputError where none is found.

    Each try is the cheapest topology of all providers, with more kept free than in the one before.
    """
    made = task(chosen, today or datetime.now(UTC).date())
    rules, why = made.rules, ""
    for _ in range(_STEPS + 1):
        there = plans(made, rules)
        if why and not any(isinstance(plan, Plan) for plan in there.values()):
            break
        found = best(made, there)
        prices = next(one for one in made.lists if one.provider == found.provider)
        demands = made.demands.on(prices.core_speed.value)
        proofs = prove(found, made.profile, demands, made.template, chosen.seed)
        failed = next((proof for proof in proofs if proof.missed), None)
        if failed is None:
            played = takeovers(found, made.profile, demands, made.template, chosen.seed)
            answered = _sizing(made, rules, there, prices, found, proofs, played)
            return Sized(answered, found, prices, made.profile.title)
        first = failed.missed[0]
        why = (
            f"with {100 * rules.headroom:.0f} % free, {found.provider}'s has "
            f"{first.request_class} {first.what} {first.measured:.3g} in minute {first.minute}"
        )
        rules = replace(rules, headroom=min(0.95, rules.headroom + _STEP))
    raise InputError(
        chosen.profile,
        "slo",
        f"the cheapest topologies miss it: {why}",
        "loosen it, mend the demands that it fails by, or choose another --provider",
    )


def put_down(found: Sizing) -> Path:
    """Write a sizing into a folder of its own; return the file."""
    folder = RESULTS / f"{found.made:%Y%m%dT%H%M%S%fZ}-sizing-{found.profile}"
    folder.mkdir(parents=True)
    path = folder / "sizing.json"
    files.write(path, found.model_dump_json(indent=1) + "\n")
    return path


def _sizing(  # noqa: PLR0913, PLR0917 - what an answer is made of
    made: Task,
    rules: Rules,
    there: dict[str, Plan | str],
    prices: PriceList,
    found: Plan,
    proofs: list[Proof],
    played: list[Takeover],
) -> Sizing:
    pupils = made.profile.pupils.value
    return Sizing(
        profile=made.profile.name,
        journey=made.profile.journey,
        pupils=pupils,
        opens=made.profile.window[0],
        demands=made.demands.name,
        bound=BOUND,
        seed=made.chosen.seed,
        made=datetime.now(UTC),
        headroom=rules.headroom,
        headroom_asked=made.chosen.headroom,
        cell=rules.cell,
        provider=found.provider,
        title=prices.title,
        sites=found.sites,
        pupils_a_site=found.asked.pupils,
        tiers=[answer.tier_answer(fit) for fit in found.fits.values()],
        single=found.single[0],
        single_month_eur=found.single[1],
        balancers=found.balancers,
        extras_month_eur={name: round(eur, 2) for name, eur in found.extras.items()},
        cost=answer.cost(found.month_eur, pupils),
        offers=[answer.offer(one, there[one.provider], pupils) for one in made.lists],
        mornings=[answer.morning(proof) for proof in proofs],
        takeovers=[answer.takeover(one) for one in played],
        unvisited=[tier for tier in VISITED if tier not in found.fits],
        unsaid=[tier for tier in found.fits if tier not in made.demands.resources],
        held_out=made.demands.held_out,
    )
