"""The real site of a measurement: storms, restarts, and what its Prometheus saw."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING

from klokken.capacity.measure import readings, samples, services, storms
from klokken.capacity.measure.schedule import SETTLE
from klokken.errors import MachineError
from klokken.remote import Remote
from klokken.storm import fleet
from klokken.storm.driver import ring
from klokken.storm.stations import enough, worker_count

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.measure.usage import Usage
    from klokken.inventory import Inventory
    from klokken.profile import Profile
    from klokken.record import Record
    from klokken.results import StormPlan
    from klokken.topology import Tier

# The stretch before now over which the site is looked at: two readings of the node exporter.
_A_MOMENT = 25.0


class Site:
    """A stack that is up; hosts `shared` are all on one machine."""

    def __init__(self, inventory: Inventory, *, shared: bool, drive: bool, log: Path) -> None:
        """Name the stack, whether the drive takes part, and where storms write their progress."""
        self.inventory, self.shared, self.drive, self.log = inventory, shared, drive, log
        groups = inventory.all.children
        self.hosts = {host: tier for tier, group in groups.items() for host in group.hosts}

    @property
    def accounts(self) -> int:
        """How many can sign in."""
        return self.inventory.site.site_accounts

    @cached_property
    def workers(self) -> int:
        """How many workers the load generators can run."""
        return worker_count(self.inventory)

    def restart(self) -> None:
        """Start the services afresh and wait until all answer."""
        services.start_afresh(self.inventory, drive=self.drive)

    def idle(self) -> Usage:
        """Wait until the start is over, and return what the site used meanwhile."""
        time.sleep(SETTLE)
        now = time.time()
        return self.usage(now - SETTLE / 2, now)

    def now(self) -> Usage:
        """Return what the site used a moment ago."""
        now = time.time() - samples.EDGE
        return self.usage(now - _A_MOMENT, now)

    def usage(self, begin: float, end: float) -> Usage:
        """Return what the site used, once its Prometheus has read the hosts behind the end."""
        time.sleep(max(0.0, end + samples.EDGE - time.time()))
        found = samples.ask(self.inventory, begin, end)
        return readings.usage(found, self.hosts, shared=self.shared, begin=begin, end=end)

    def written(self) -> tuple[float, dict[Tier, float]]:
        """Return the time and the bytes that each tier has written by then, where it tells."""
        tiers = [tier for tier in readings.SERVICES if self.inventory.hosts(tier)]
        with ThreadPoolExecutor(len(tiers)) as pool:
            told = pool.map(lambda tier: services.written(Remote.of(self.inventory, tier)), tiers)
            found = dict(zip(tiers, told, strict=True))
        return time.time(), {tier: count for tier, count in found.items() if count is not None}

    def plan(self, profile: Profile, run: str, seed: int, length: int) -> StormPlan:
        """Return a storm of the first seconds of `profile`."""
        draft = storms.planned(profile, self.inventory, run=run, seed=seed, length=length)
        workers = enough(fleet.of(draft), self.workers)
        return draft.model_copy(update={"workers": workers})

    def ring(self, plan: StormPlan, folder: Path) -> Record:
        """Ring it, and leave its record in `folder`."""
        try:
            with self.log.open("a", encoding="utf-8") as log:
                return ring(self.inventory, plan, folder, out=log)
        except OSError as error:
            raise MachineError(f"{self.log}: cannot be written ({error.strerror})") from None
