"""The roll-out in waves: from the kommuner of today to all of them, and what each wave adds."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from klokken.capacity.kommuner import kommuner
from klokken.capacity.sizing import answer
from klokken.capacity.sizing.answer import Cost
from klokken.capacity.sizing.asked import site_asked
from klokken.capacity.sizing.search import again
from klokken.capacity.sizing.summary import table
from klokken.capacity.sizing.task import SEED, best, plans, task
from klokken.document import Document
from klokken.errors import InputError
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.sizing.asked import SiteAsked
    from klokken.capacity.sizing.course import Course
    from klokken.capacity.sizing.search import Plan
    from klokken.capacity.sizing.task import Choices, Task

# How far a profile's pupils may be from those of all kommuner, as a share of these.
_ABOUT = 0.25


class Wave(Document):
    """What there is when a wave has come in; `added` is by how many hosts each tier grew.

    `kommuner` are those that come with it, `all_kommuner` and `pupils` count all that are in.
    """

    number: int
    begins: date
    kommuner: list[str]
    all_kommuner: int
    pupils: int
    hosts: dict[Tier, int]
    added: dict[Tier, int]
    cost: Cost


class RollOut(Document):
    """The waves, all of one provider, and the kinds of hosts, which stay."""

    profile: str
    provider: str
    title: str
    sites: int
    headroom: float
    cell: int
    kinds: dict[Tier, str]
    waves: list[Wave]


def roll_out(chosen: Choices, course: Course, today: date) -> RollOut:
    """Return what to add with each wave; raise InputError where that cannot be told.

    The kinds of hosts are those that are cheapest for all kommuner, so that a wave only ever adds
    to what there is. The profile's pupils are shared out by the pupils of the kommuner.
    """
    begins, members = course.begins(today), course.members()
    total = sum(each.pupils.value for each in kommuner())
    made = task(chosen, today)
    _check_pupils(made, total)
    whole = best(made, plans(made, made.rules))
    prices = next(one for one in made.lists if one.provider == whole.provider)
    inside, found = 0, []
    for joining in members:
        inside += sum(each.pupils.value for each in joining)
        share = inside / total
        plan = again(_site(made, whole, share), prices, made.rules, whole)
        found.append((joining, round(made.profile.pupils.value * share), plan))
    hosts = [{tier: whole.sites * fit.hosts for tier, fit in p.fits.items()} for _, _, p in found]
    none = dict.fromkeys(hosts[0], 0)
    waves = [
        Wave(
            number=number,
            begins=begins[number],
            kommuner=sorted(each.name for each in joining),
            all_kommuner=sum(len(each) for each in members[: number + 1]),
            pupils=pupils,
            hosts=now,
            added={tier: now[tier] - before[tier] for tier in now},
            cost=answer.cost(plan.month_eur, pupils),
        )
        for number, ((joining, pupils, plan), (before, now)) in enumerate(
            zip(found, pairwise([none, *hosts]), strict=True)
        )
    ]
    return RollOut(
        profile=made.profile.name,
        provider=whole.provider,
        title=prices.title,
        sites=whole.sites,
        headroom=chosen.headroom,
        cell=made.rules.cell,
        kinds={tier: fit.kind for tier, fit in whole.fits.items()},
        waves=waves,
    )


def _site(made: Task, whole: Plan, share: float) -> SiteAsked:
    """Return what one of the sites is asked for when so large a share of the pupils is in."""
    return site_asked(made.profile, made.demands, made.template, share / whole.sites, SEED)


def _check_pupils(made: Task, total: int) -> None:
    """Raise InputError where a profile's pupils are not about the `total` of all kommuner."""
    pupils = made.profile.pupils
    if abs(pupils.value - total) > _ABOUT * total:
        raise InputError(
            made.chosen.profile,
            "pupils.value",
            f"is {pupils.value:,}, and the kommuner that they are shared out over have {total:,}",
            "give a profile of all of them, such as denmark-morning",
        )


def summary(found: RollOut) -> str:
    """Return a row a wave, then who comes with each."""
    tiers = list(found.kinds)
    head = ["wave", "begins", "kommuner", "pupils", *tiers, "EUR/month", "DKK/month", "to add"]
    rows = [head, *(_row(wave) for wave in found.waves)]
    kinds = ", ".join(f"{tier} {kind}" for tier, kind in found.kinds.items())
    lines = [
        f"SIMULATED: {found.profile} in {len(found.waves) - 1} waves on {found.title} ({kinds})",
        *table(rows),
        *(_names(wave) for wave in found.waves[1:]),
        "  Reckoned at the fluid level with the upper end of every interval, and unproven: where",
        f"  `klokken size {found.profile}` says that it kept more free, give that as --headroom.",
        "  Who comes when is a proposal: the small before the large, evenly.",
        "  Schools are given to cells by number, so more cells move documents: where that must not",
        "  be, begin with the cells of the last wave.",
    ]
    return "\n".join(lines)


def _row(wave: Wave) -> list[str]:
    added = ", ".join(f"{count} {tier}" for tier, count in wave.added.items() if count)
    return [
        str(wave.number) if wave.number else "today",
        str(wave.begins),
        str(wave.all_kommuner),
        f"{wave.pupils:,}",
        *(str(count) for count in wave.hosts.values()),
        f"{wave.cost.month_eur:,.0f}",
        f"{wave.cost.month_dkk:,.0f}",
        added or "nothing",
    ]


def _names(wave: Wave) -> str:
    return f"  {wave.number}: {', '.join(wave.kommuner)}"
