"""A Bavarian morning: 1.2 million pupils and their teachers, a dozen requests, four tiers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import yaml

from klokken.capacity.demands import EXAMPLES, Demands
from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.state import EVENTS, VISITS
from klokken.capacity.fluid import flow
from klokken.capacity.model import model
from klokken.capacity.morning import Morning
from klokken.capacity.platform import Platform
from klokken.capacity.simulation import hashed, totals
from klokken.profile import Profile

if TYPE_CHECKING:
    from klokken.capacity.demands import Journey

# Hosts and cores that hold it with some headroom, at the lab's demands.
HOSTS = {"edge": (4, 16), "identity": (36, 16), "drive": (48, 16), "database": (1, 64)}
PLACES = {"edge": 8000, "identity": 64, "drive": 64, "database": 4000}
# The morning of the lab's demands has eight requests; four more at the drive make a dozen.
MORE = ("class_folder", "refresh", "current", "leave")


def _journey() -> tuple[Demands, Journey]:
    written = yaml.safe_load((EXAMPLES / "lab-demands.yaml").read_text(encoding="utf-8"))
    for name in MORE:
        written["journeys"]["morning"]["requests"].append({"name": name, "path": ["edge", "drive"]})
        written["work"][name] = written["work"]["home"]
    demands = Demands.model_validate(written)
    return demands, demands.journeys["morning"]


def _platform() -> Platform:
    written = yaml.safe_load((EXAMPLES / "lab-platform.yaml").read_text(encoding="utf-8"))
    for tier, (nodes, cores) in HOSTS.items():
        written["tiers"][tier] |= {"nodes": nodes, "cores": cores, "workers": PLACES[tier]}
    return Platform.model_validate(written)


def morning(fraction: float) -> dict[str, int | float | str]:
    """Simulate it, exactly and as a fluid; return seconds, counts and the result's hash."""
    demands, journey = _journey()
    began = time.perf_counter()
    people = Morning.of(Profile.named("bavaria"), 1, fraction)
    ready = model(demands, journey, _platform(), people, seed=1, accounts=len(people.due))
    built = time.perf_counter()
    flowing = flow(ready, people.by_second())
    flowed = time.perf_counter()
    cpu = time.process_time()
    state = simulate(ready)
    ended, cpu = time.perf_counter(), time.process_time() - cpu
    names = [*(request.name for request in journey.requests), "morning"]
    return {
        "people": len(people.due),
        "requests": int(state.counts[:-1].sum()),
        "events": int(state.totals[EVENTS]),
        "visits": int(state.totals[VISITS]),
        "completed": totals(state)["completed"],
        "build_seconds": built - began,
        "fluid_seconds": flowed - built,
        "fluid_longest_wait": float(flowing.wait.max()),
        "exact_seconds": ended - flowed,
        "exact_cpu_seconds": cpu,
        "hash": hashed(state, names),
    }
