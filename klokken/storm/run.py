"""A storm from beginning to end: planned, rung, judged, and put down in a folder."""

from __future__ import annotations

import secrets
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict, Unpack

from klokken import report, telemetry
from klokken.paths import PROJECT
from klokken.remote import Remote
from klokken.results import Results
from klokken.storm import outcome
from klokken.storm.driver import ring, worker_count
from klokken.storm.plan import plan_storm
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import time
    from pathlib import Path

    from klokken.inventory import Inventory
    from klokken.profile import Profile
    from klokken.results import StormPlan

RESULTS = PROJECT / "results"


class Choices(TypedDict):
    """What a person chooses of a storm; see `plan_storm`."""

    fraction: float
    seed: int
    opens: time | None
    closes: time | None
    compression: float | None


def new_name(profile: Profile) -> str:
    """Return a name for a storm of `profile` that no other has."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{now}-{profile.name}-{secrets.token_hex(2)}"


def plan(profile: Profile, inventory: Inventory, **chosen: Unpack[Choices]) -> StormPlan:
    """Return the storm of `profile`, with a name of its own."""
    draft = plan_storm(profile, inventory, run=new_name(profile), **chosen)
    return draft.model_copy(update={"workers": worker_count(inventory)})


def storm(
    inventory: Inventory,
    planned: StormPlan,
    *,
    web: bool = False,
    opened: Callable[[float], None] | None = None,
) -> tuple[Results, Path]:
    """Ring the storm; return its results and the folder that now holds the whole of them.

    `opened` is told when the storm opened; see `ring`.
    """
    folder = RESULTS / planned.run
    draft = RESULTS / f".{planned.run}"
    try:
        record = ring(inventory, planned, draft, web=web, opened=opened)
        host = Remote.of(inventory, Tier.LOADGEN)[0]
        around = outcome.Surroundings(
            machine=telemetry.machine_facts(host),
            versions=telemetry.versions(inventory),
            tiers=telemetry.tier_cpu(inventory, record.began, record.finished),
        )
        results = outcome.results(planned, record, around)
        outcome.write(results, record, draft)
        report.write(results, draft)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return results, folder


def rewrite(folder: Path) -> Path:
    """Write the report of the run in `folder` again and return its path; raise InputError."""
    return report.write(Results.read(folder / "results.json"), folder)
