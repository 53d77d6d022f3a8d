"""A Bavarian morning: 1.2 million pupils and their teachers, a dozen requests, four tiers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import yaml

from benchmarks.simulator.outcome import Bavaria
from klokken.capacity.demands import EXAMPLES, Demands
from klokken.capacity.engine.events import simulate
from klokken.capacity.engine.state import EVENTS, VISITS
from klokken.capacity.fluid import flow
from klokken.capacity.model import model
from klokken.capacity.morning import Morning, everyone
from klokken.capacity.platform import Platform
from klokken.capacity.simulation import hashed, totals
from klokken.errors import MachineError
from klokken.profile import Profile

if TYPE_CHECKING:
    from klokken.capacity.demands import Journey
    from klokken.capacity.engine.model import Model

# Hosts and cores that hold it with some headroom, at the lab's demands. Those of the drive are
# cells of 5,000 accounts: its list of drives takes longer with each account of a cell.
HOSTS = {"edge": (4, 16), "identity": (36, 16), "drive": (240, 16), "database": (1, 64)}
PLACES = {"edge": 8000, "identity": 64, "drive": 64, "database": 4000}
# The morning of the lab's demands has eight requests; four more at the drive make a dozen.
MORE = ("class_folder", "unfold", "current", "leave")


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


def ready(fraction: float) -> tuple[Morning, Model, list[str]]:
    """Return who comes, the model of their morning, and the names of what is counted."""
    demands, journey = _journey()
    profile = Profile.named("bavaria")
    people = Morning.of(profile, 1, fraction)
    names = [*(request.name for request in journey.requests), "morning"]
    # Who stays at home has an account all the same.
    built = model(demands, journey, _platform(), people, seed=1, accounts=everyone(profile))
    return people, built, names


def morning(fraction: float) -> Bavaria:
    """Simulate it, exactly and as a fluid; raise MachineError unless everybody completed."""
    began = time.perf_counter()
    people, whole, names = ready(fraction)
    built = time.perf_counter()
    flow(whole, people.by_second())
    flowed = time.perf_counter()
    cpu = time.process_time()
    state = simulate(whole)
    ended, cpu = time.perf_counter(), time.process_time() - cpu
    _require_all(totals(state))
    return Bavaria(
        people=len(people.due),
        requests=int(state.counts[:-1].sum()),
        events=int(state.totals[EVENTS]),
        visits=int(state.totals[VISITS]),
        build_seconds=built - began,
        fluid_seconds=flowed - built,
        exact_seconds=ended - flowed,
        exact_cpu_seconds=cpu,
        hash=hashed(state, names),
    )


def _require_all(ended: dict[str, int]) -> None:
    """Raise MachineError where somebody did not complete.

    Then the platform does not hold, and this would measure a queue that nobody asked for.
    """
    if ended["completed"] != ended["offered"]:
        raise MachineError(
            f"{__file__}: HOSTS: {ended['completed']:,} of {ended['offered']:,} completed the"
            " morning; give the platform more hosts, until all do"
        )
