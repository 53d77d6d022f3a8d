"""Demands, platform and morning, put into the tables of the engine.

Times are nanoseconds since the morning opens. Tiers, requests, hosts and people are numbers:
hosts from 0 over all tiers, people in the order in which they are due.
"""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.demands import VISITED
from klokken.capacity.engine import chance
from klokken.capacity.engine.model import BALANCES, DEEPEST, LONG_WARM, Integers, Model
from klokken.capacity.manners import Manners
from klokken.capacity.morning import NANO
from klokken.capacity.resources import Resources
from klokken.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klokken.capacity.demands import Demands, Journey, Warmth
    from klokken.capacity.morning import Morning
    from klokken.capacity.platform import Kill, Part, Platform
    from klokken.people import People
    from klokken.topology import Tier

LONGEST_WORK = 10 * NANO
# What begins behind the last request.
NOWHERE = -1


def model(  # noqa: PLR0913 - what a simulation follows from, all named
    demands: Demands,
    journey: Journey,
    platform: Platform,
    morning: Morning,
    *,
    seed: int,
    accounts: int,
    people: People | None = None,
    kills: Sequence[Kill] = (),
    bound: str = "value",
) -> Model:
    """Return the model; `bound` chooses each demand's `low`, `value` or `high`.

    `accounts` are all that the site has, whether their owners come or not. `people`, where there
    are any, think, wait and try again in their own way.
    """
    tiers = [tier for tier in VISITED if tier in platform.tiers]
    parts = [platform.tiers[tier] for tier in tiers]
    requests = journey.requests
    manners = Manners.of(people, journey.conduct)
    order = np.lexsort((morning.people, morning.due))
    connection = demands.connection
    # Schools are shared out over the cells, and their accounts with them.
    there = {
        tier: accounts / (part.nodes if part.balance == "cell" else 1)
        for tier, part in zip(tiers, parts, strict=True)
    }
    rows = [[_work(demands, r.name, tier, bound, there[tier]) for tier in tiers] for r in requests]
    return Model(
        seed=seed,
        set_up=platform.set_up_trips * _nano(parts[0].round_trip_seconds),
        minutes=int(-(-(morning.seconds + manners.longest(requests)) // 60)) + 1,
        requests=_table([_request(n, journey, tiers, manners) for n in range(len(requests))]),
        work=_table(rows),
        connection=_table([_nano(connection.at(bound))] * 3 + chance.shape(connection.variation)),
        tiers=_tiers(parts),
        hosts=_table(
            [
                row
                for n, (tier, part) in enumerate(zip(tiers, parts, strict=True))
                for row in [_host(n, part, demands.warmth.get(tier))] * part.nodes
            ]
        ),
        pauses=_table(
            [_nano(manners.retries.pause(n, 1.0)) for n in range(manners.retries.attempts - 1)]
        ),
        patience=manners.patience,
        think=manners.think,
        arrivals=_table(
            np.column_stack(
                [
                    morning.people[order],
                    morning.due[order],
                    morning.schools[order],
                    morning.first[order],
                ]
            )
        ),
        faults=_faults([_replaced(kill, demands, platform, bound) for kill in kills], tiers, parts),
        logs=chance.logarithms(),
    )


def _request(number: int, journey: Journey, tiers: Sequence[Tier], manners: Manners) -> list[int]:
    request, begins = journey.requests[number], [*journey.begins, NOWHERE]
    names = [other.name for other in journey.requests]
    path = [tiers.index(tier) for tier in request.path]
    return [
        len(path),
        int(request.connects),
        request.priority,
        names.index(request.again or request.name),
        _nano(manners.thinks(request)),
        *chance.shape(request.think_variation),
        int(begins[number + 1] != begins[number]),
        *path,
        *[-1] * (DEEPEST - len(path)),
    ]


def _work(demands: Demands, request: str, tier: Tier, bound: str, accounts: float) -> list[int]:
    """Return the work of one visit: cold, warming and warm in nanoseconds, and its shape."""
    work = demands.work.get(request, {}).get(tier)
    if work is None:
        return [0, 0, 0, *chance.shape(0.0)]
    warmth = demands.warmth.get(tier)
    cold, warming = (warmth.cold.at(bound), warmth.warming.at(bound)) if warmth else (1.0, 1.0)
    mean = work.seconds(accounts, bound)
    phases = [_nano(mean * factor) for factor in (cold, warming, 1.0)]
    if max(phases) > LONGEST_WORK:
        raise InputError(
            "demands",
            f"work.{request}.{tier}",
            f"is over 10 s cold with {accounts:,.0f} accounts",
            "correct it, or give the platform more cells",
        )
    return [*phases, *chance.shape(work.variation)]


def _tiers(parts: Sequence[Part]) -> Integers:
    trips = [_nano(part.round_trip_seconds / 2) for part in parts]
    first = np.cumsum([0, *(part.nodes for part in parts)])
    return _table(
        [
            [
                trips[n],
                trips[0] + (trips[n] if n else 0),
                first[n],
                part.nodes,
                BALANCES.index(part.balance),
            ]
            for n, part in enumerate(parts)
        ]
    )


def _host(tier: int, part: Part, warmth: Warmth | None) -> list[int]:
    cold, warming = (warmth.cold.visits, warmth.warming.visits) if warmth else (0, 0)
    return [
        tier,
        part.cores,
        part.workers,
        part.queue,
        _nano(part.queue_seconds),
        cold,
        cold + warming,
        0 if part.starts_cold else LONG_WARM,
    ]


def _replaced(kill: Kill, demands: Demands, platform: Platform, bound: str) -> Kill:
    """Return the kill with the host back as soon as one that stands by has taken over."""
    if not platform.tiers[kill.tier].stands_by:
        return kill
    takeover = demands.resources.get(kill.tier, Resources()).takeover_seconds
    if takeover is None:
        raise InputError(
            "demands",
            f"resources.{kill.tier}.takeover_seconds",
            f"missing, but the platform's {kill.tier} has a host that stands by",
            "add it, with where it is known from",
        )
    taken_over = kill.at + takeover.at(bound)
    return replace(kill, back=taken_over if kill.back is None else min(kill.back, taken_over))


def _faults(kills: Sequence[Kill], tiers: Sequence[Tier], parts: Sequence[Part]) -> Integers:
    """Return when which host goes (0) or comes back (1)."""
    first = np.cumsum([0, *(part.nodes for part in parts)]).tolist()
    found, back = [], dict[int, float]()
    for kill in sorted(kills, key=lambda kill: kill.at):
        tier = tiers.index(kill.tier)
        there = range(first[tier], first[tier + 1])
        # One that comes back at that very moment is not up yet.
        host = next((host for host in there if back.get(host, -1.0) < kill.at), None)
        if host is None:
            raise InputError(
                "kill",
                f"{kill.tier}@{kill.at:g}",
                f"no host of {kill.tier} is up then, of {len(there)}",
                "leave one out, or let one come back before",
            )
        back[host] = inf if kill.back is None else kill.back
        found.append((_nano(kill.at), host, 0))
        if kill.back is not None:
            found.append((_nano(kill.back), host, 1))
    return _table(sorted(found)).reshape(-1, 3)


def _nano(seconds: float) -> int:
    return round(seconds * NANO)


def _table(values: object) -> Integers:
    return np.ascontiguousarray(values, np.int64)
