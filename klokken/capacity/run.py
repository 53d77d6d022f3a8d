"""A simulation from beginning to end: read, run at its level, judged and put down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from klokken import files
from klokken.capacity import simulation
from klokken.capacity.demands import EXAM, EXAMPLES, VISITED, Demands
from klokken.capacity.engine.state import EVENTS
from klokken.capacity.engine.sweep import sweep
from klokken.capacity.fluid import flow, paths
from klokken.capacity.model import model
from klokken.capacity.morning import MINUTE_SECONDS, everyone
from klokken.capacity.picture import picture
from klokken.capacity.platform import Kill, Platform
from klokken.capacity.simulation import Minute, Served, Simulation
from klokken.capacity.sitting import coming, simulated
from klokken.errors import InputError
from klokken.paths import RESULTS
from klokken.profile import Profile
from klokken.results import Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.engine.model import Integers, Model
    from klokken.capacity.fluid import Flow
    from klokken.capacity.simulation import Level

DEMANDS_FILE = EXAMPLES / "lab-demands.yaml"
PLATFORM_FILE = EXAMPLES / "lab-platform.yaml"


@dataclass(frozen=True, slots=True)
class Choices:
    """What is to be simulated, and how."""

    profile: str
    demands: Path = DEMANDS_FILE
    platform: Path = PLATFORM_FILE
    level: Level = "exact"
    seed: int = 1
    fraction: float = 1.0
    kills: tuple[str, ...] = ()
    bound: str = "value"


def simulate(chosen: Choices) -> Simulation:
    """Run a simulation; raise InputError about anything that cannot be used."""
    if not 0 < chosen.fraction <= 1:
        raise InputError("simulate", "fraction", f"is {chosen.fraction}", "give one from 0 to 1")
    if not 0 <= chosen.seed < 2**63:
        raise InputError("simulate", "seed", f"is {chosen.seed}", "give a whole number from 0")
    profile = Profile.named(chosen.profile)
    demands, platform = Demands.read(chosen.demands), Platform.read(chosen.platform)
    journey = demands.journey(profile.journey, chosen.demands)
    platform.require(journey.tiers, chosen.platform)
    if chosen.kills and chosen.level == "sweep":
        raise InputError("simulate", "kill", "the sweep knows no faults", "choose another level")
    if profile.exam and chosen.level == "sweep":
        raise InputError("simulate", "level", "the sweep knows no exams", "choose another level")
    morning = coming(profile, journey, chosen.seed, chosen.fraction)
    kills = [Kill.parse(text, platform, morning.seconds) for text in chosen.kills]
    found = model(
        demands,
        journey,
        platform,
        morning,
        seed=chosen.seed,
        # Who stays at home has an account all the same.
        accounts=everyone(profile),
        people=profile.people,
        kills=kills,
        bound=chosen.bound,
    )
    names = [*(request.name for request in journey.requests), profile.journey]
    tiers = [str(tier) for tier in VISITED if tier in platform.tiers]
    counted: dict[str, int]
    if chosen.level == "fluid":
        sent = morning.by_request(journey.begins)
        minutes = _fluid_minutes(found, flow(found, sent), names, tiers, sent)
        counted = {"offered": len(morning.comes), "completed": len(morning.comes)}
        counted |= {"failed": 0, "abandoned": 0, "events": 0}
        result_hash = ""
    else:
        state = simulated(found, morning) if chosen.level == "exact" else sweep(found)
        minutes = simulation.minutes_of(found, state, names, tiers)
        counted = simulation.totals(state) | {"events": int(state.totals[EVENTS])}
        result_hash = simulation.hashed(state, names)
    missed = simulation.missed(profile, minutes)
    return Simulation(
        level=chosen.level,
        profile=profile.name,
        journey=profile.journey,
        opens=profile.window[0],
        fraction=chosen.fraction,
        seed=chosen.seed,
        bound=chosen.bound,
        kills=list(chosen.kills),
        digests={
            "profile": sha256(profile.model_dump_json().encode()).hexdigest(),
            "demands": sha256(demands.model_dump_json().encode()).hexdigest(),
            "platform": sha256(platform.model_dump_json().encode()).hexdigest(),
        },
        minutes=minutes,
        missed=missed,
        verdict=Verdict.FAIL if missed else Verdict.PASS,
        result_hash=result_hash,
        **counted,
    )


def _fluid_minutes(
    found: Model, flowing: Flow, names: list[str], tiers: list[str], sent: Integers
) -> list[Minute]:
    """Return the minutes of a flow: everyone waits as long as the longest of the minute did.

    `sent` is how often each request is due in each second. A whole exam is no wait.
    """
    rows = []
    for number in range(found.minutes):
        now = slice(number * MINUTE_SECONDS, (number + 1) * MINUTE_SECONDS)
        counts = sent[:, now].sum(axis=1)
        due = int(counts[0])
        waits = flowing.wait[:, now].max(axis=1)
        if not counts.any():
            continue
        with_wait = flowing.alone + [waits[path].sum() for path in paths(found)]
        times = [*with_wait, 0.0 if names[-1] == EXAM else with_wait.sum()]
        capacity = flowing.capacity[:, now].sum(axis=1)
        load = flowing.load[:, now].sum(axis=1)
        rows.append(
            Minute(
                minute=number,
                offered=due,
                utilisation={
                    tier: round(float(load[n] / max(capacity[n], 1e-9)), 4)
                    for n, tier in enumerate(tiers)
                },
                classes={
                    name: Served(requests=n, ok=n, failures={}, p50=t, p95=t, p99=t, max=t)
                    for name, n, t in zip(
                        names, map(int, [*counts, due]), map(float, times), strict=True
                    )
                    if n
                },
            )
        )
    return rows


def put_down(found: Simulation) -> Path:
    """Write a simulation into a folder of its own; return the file."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    folder = RESULTS / f"{now}-simulation-{found.profile}"
    folder.mkdir(parents=True)
    path = folder / "simulation.json"
    files.write(path, found.model_dump_json(indent=1) + "\n")
    files.write(folder / "morning.svg", picture(found))
    return path
