"""A storm from beginning to end: planned, rung, judged, and put down in a folder."""

from __future__ import annotations

import secrets
import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Unpack

from klokken import telemetry
from klokken.errors import MachineError
from klokken.paths import RESULTS
from klokken.remote import Remote
from klokken.storm import fleet, remains
from klokken.storm.driver import ring
from klokken.storm.outcome import Surroundings
from klokken.storm.plan import plan_storm
from klokken.storm.stations import enough, worker_count
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.inventory import Inventory
    from klokken.profile import Profile
    from klokken.record import Record
    from klokken.results import Results, StormPlan, TierCpu
    from klokken.storm.plan import Choices


def new_name(profile: Profile) -> str:
    """Return a name for a storm of `profile` that no other has."""
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"{now}-{profile.name}-{secrets.token_hex(2)}"


def plan(profile: Profile, inventory: Inventory, **chosen: Unpack[Choices]) -> StormPlan:
    """Return the storm of `profile`, with a name of its own."""
    draft = plan_storm(profile, inventory, run=new_name(profile), **chosen)
    workers = enough(fleet.of(draft), worker_count(inventory))
    return draft.model_copy(update={"workers": workers})


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
    # Asked for before: a host may be gone afterwards.
    before = Surroundings(
        machine=telemetry.machine_facts(Remote.of(inventory, Tier.LOADGEN)[0]),
        versions=telemetry.versions(inventory),
    )
    try:
        remains.begin(draft, planned, before)
        record = ring(inventory, planned, draft, web=web, opened=opened)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    draft.rename(folder)
    around = replace(before, tiers=_tiers(inventory, record))
    return remains.conclude(planned, record, around, folder), folder


def _tiers(inventory: Inventory, record: Record) -> dict[str, TierCpu]:
    """Return the CPU of each tier; none, and a line that says so, where Prometheus is silent."""
    try:
        return telemetry.tier_cpu(inventory, record.began, record.finished)
    except MachineError as error:
        sys.stderr.write(f"{error}; the results are without the CPU of the tiers\n")
        return {}
