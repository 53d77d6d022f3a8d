"""The driver: has a planned storm rung by the load generators of a site, and fetches the record."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, TextIO

from klokken import files, writes
from klokken.errors import MachineError, UnwritableError
from klokken.record import Record
from klokken.storm import fleet, readiness, seal
from klokken.storm.folder import JOURNAL, PLAN, RECORD
from klokken.storm.following import Following
from klokken.storm.remains import salvaged
from klokken.storm.stations import shown, stations
from klokken.storm.timing import share_of
from klokken.storm.units import Units, running
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from klokken.inventory import Inventory
    from klokken.results import StormPlan


def ring(  # noqa: PLR0913 - what to ring and where, then what to tell of it
    inventory: Inventory,
    plan: StormPlan,
    folder: Path,
    *,
    web: bool = False,
    out: TextIO | None = None,
    opened: Callable[[float], None] | None = None,
) -> Record:
    """Ring the storm of `plan` and return its record, which is left in `folder` beside the plan.

    Progress goes to `out`, standard error by default. With `web`, Locust's own interface is
    reachable on a loopback port while the storm lasts, and until Ctrl-C where `out` is a
    terminal. `opened` is told once when the storm opened, in Unix seconds, right to a second.
    Whatever happens, the units are stopped and the run's files on the hosts removed. A storm
    whose master is lost has a record of what was heard until then, which says so; so has one
    for whose record there is no room here, and its files stay on the first host.
    Raises StormRefusedError where a load generator could reach more than the site, InputError
    where there are too few for the rate, and MachineError where
    one is not ready or did not do its part.
    """
    out = out or sys.stderr
    need = fleet.of(plan)
    need.check(plan.workers)
    crew = stations(inventory, plan.workers)
    seal.require(inventory)
    readiness.require(plan, need, crew)
    _begin(folder, plan)
    out.write(shown(plan, need, crew) + "\n")
    hosts = [Units(station, plan, master=n == 0) for n, station in enumerate(crew)]
    following = Following(hosts, plan, out, web=web, opened=opened)
    with running(hosts, edges(inventory), out, web=web):
        try:
            with following.copying(JOURNAL, folder / JOURNAL):
                following.follow()
                record = _fetched(hosts[0], folder)
        except UnwritableError as error:
            record = _left_there(hosts[0], error)
        except MachineError as loss:
            record = _salvaged(folder, following, loss)
        if hosts[0].kept or (folder / RECORD).exists():
            (folder / JOURNAL).unlink(missing_ok=True)
        following.linger()
    return record


def edges(inventory: Inventory) -> list[str]:
    """Return the only addresses that a storm may be sent to."""
    return [str(host.site_address) for host in inventory.hosts(Tier.EDGE).values()]


def _begin(folder: Path, plan: StormPlan) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.write(folder / PLAN, plan.model_dump_json())
    except OSError as error:
        raise MachineError(f"{folder}: cannot be made ({error.strerror})") from None


def _fetched(master: Units, folder: Path) -> Record:
    for name in [RECORD, *([writes.NAME] if master.plan.profile.exam else [])]:
        master.station.host.fetch(f"{master.run_folder}/{name}", folder / name)
    return Record.read(folder / RECORD)


def _left_there(master: Units, problem: UnwritableError) -> Record:
    """Return the record of a storm whose files stay on the master's host, and why they do."""
    master.kept = True
    host = master.station.host
    told = host.run(["cat", "--", f"{master.run_folder}/{RECORD}"], root=True)
    record = Record.model_validate_json(told)
    why = f"{problem}; what was recorded stays on {host.name}, in {master.run_folder}"
    told_before = [record.cut_short] if record.cut_short else []
    return record.model_copy(update={"cut_short": "; ".join([*told_before, why])})


def _salvaged(folder: Path, following: Following, loss: MachineError) -> Record:
    """Return what the journal comes to; raise the `loss` where no storm had begun."""
    master = following.hosts[0]
    far = share_of(following.plan, following.progress.second)
    why = master.ending() or str(loss).splitlines()[-1]
    stays = _completed(master, folder / JOURNAL)
    record = salvaged(folder, f"the master was lost after {far}: {why}{stays}")
    if record is None:
        raise loss
    following.out.write(f"{loss}\nthe record is made of what was heard until then{stays}\n")
    return record


def _completed(master: Units, copy: Path) -> str:
    """Have the journal whole in place of its `copy`, whose connection may have been lost early.

    Where that fails and there is more of it, it stays, and where is returned in words.
    """
    host, journal = master.station.host, f"{master.run_folder}/{JOURNAL}"
    try:
        host.fetch(journal, copy)
    except MachineError:
        with contextlib.suppress(MachineError):
            if host.size(journal) <= copy.stat().st_size:
                return ""
        master.kept = True
        return f"; what else the master heard stays on {host.name}, in {master.run_folder}"
    return ""
