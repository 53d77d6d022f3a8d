"""What a site used, put together from the samples of its hosts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from klokken.capacity.measure.samples import BEGUN, CPU, EDGE, MEMORY
from klokken.capacity.measure.usage import MachineUse, TierUse, Usage
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from klokken.capacity.measure.samples import Series

# The longest time between two readings of a host, in seconds.
LONGEST_GAP = 10.0
# The CPU-seconds by which a counter may fall: it is a sum, taken in another order each time.
ROUNDING = 0.01
# The process group whose start is that of a tier's service.
SERVICES = {
    Tier.EDGE: "haproxy",
    Tier.IDENTITY: "keycloak",
    Tier.DATABASE: "postgres",
    Tier.DRIVE: "drive",
}
_NOT_BUSY = {"idle", "iowait", "steal"}


def usage(
    series: Iterable[Series], hosts: Mapping[str, Tier], *, shared: bool, begin: float, end: float
) -> Usage:
    """Return what `hosts` used from `begin` to `end`, Unix seconds.

    Where they are `shared` on one machine, node figures of any one are the machine's.
    """
    by_name: dict[str, list[Series]] = defaultdict(list)
    for one in series:
        if one.labels.get("host") in hosts:
            by_name[one.labels["__name__"]].append(one)
    machines = {"the machine": list(hosts)} if shared else {host: [host] for host in hosts}
    gaps = _gaps(by_name[CPU], hosts, begin, end)
    found = {}
    for name, members in machines.items():
        machine = _machine(by_name, members, begin, end)
        if machine is None:
            gaps.append(f"{name}: fewer than two readings of its CPU")
        else:
            found[name] = machine
    return Usage(
        tiers={
            tier: _tier(by_name, [h for h, t in hosts.items() if t == tier], begin, end)
            for tier in dict.fromkeys(hosts.values())
        },
        machines=found,
        begun=_begun(by_name[BEGUN], hosts),
        gaps=gaps,
    )


def _gaps(counters: list[Series], hosts: Mapping[str, Tier], begin: float, end: float) -> list[str]:
    """Return what is missing of the CPU: a host unread at an edge or for long, or begun anew."""
    found = []
    for host in hosts:
        own = [one for one in counters if one.labels["host"] == host]
        times = np.unique(np.concatenate([one.times for one in own])) if own else np.array([])
        around = times[(times >= begin - EDGE) & (times <= end + EDGE)]
        if not len(around) or around[0] > begin or around[-1] < end:
            found.append(f"{host}: not read at an edge of the step")
        elif np.diff(around).max(initial=0.0) > LONGEST_GAP:
            found.append(f"{host}: not read for {np.diff(around).max():.0f} s")
        if any((np.diff(one.values) < -ROUNDING).any() for one in own):
            found.append(f"{host}: its counters began anew")
    return found


def _tier(
    by_name: Mapping[str, list[Series]], hosts: list[str], begin: float, end: float
) -> TierUse:
    def summed(name: str, per_second: Callable[[Series], float], label: str) -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float)
        for one in by_name.get(name, []):
            if one.labels["host"] in hosts and one.labels.get("device") != "lo":
                sums[one.labels.get(label, "")] += max(0.0, per_second(one))
        return {key: round(value, 6) for key, value in sorted(sums.items())}

    def rose(one: Series) -> float:
        return one.rose(*_within(one, begin, end))

    network = {
        way: sum(summed(f"node_network_{way}_bytes_total", rose, "host").values())
        for way in ("receive", "transmit")
    }
    connections = summed("node_sockstat_TCP_inuse", lambda one: one.mean(begin, end), "host")
    return TierUse(
        cpu=summed(CPU, lambda one: one.rose(begin, end), "groupname"),
        memory_bytes=summed(MEMORY, lambda one: one.mean(begin, end), "groupname"),
        connections=sum(connections.values()),
        received_bytes=network["receive"],
        sent_bytes=network["transmit"],
    )


def _within(one: Series, begin: float, end: float) -> tuple[float, float]:
    """Return the first and the last reading within; the stretch itself where there are not two.

    The node exporter is read seldom: between its own readings nothing need be guessed.
    """
    times = one.times[(one.times >= begin) & (one.times <= end)]
    return (float(times[0]), float(times[-1])) if len(times) > 1 else (begin, end)


def _machine(
    by_name: Mapping[str, list[Series]], hosts: list[str], begin: float, end: float
) -> MachineUse | None:
    """Return the use of a machine that has these hosts, as the last of them sees it."""
    own = [one for one in by_name["node_cpu_seconds_total"] if one.labels["host"] == hosts[-1]]
    if not own:
        return None
    first, last = _within(own[0], begin, end)
    if first == begin and last == end:
        return None
    modes: dict[str, float] = defaultdict(float)
    for one in own:
        modes[one.labels["mode"]] += one.rose(first, last)
    busy = sum(used for mode, used in modes.items() if mode not in _NOT_BUSY)
    ours = sum(one.rose(first, last) for one in by_name[CPU] if one.labels["host"] in hosts)

    def disk(name: str) -> float:
        # What a device mapper does, it does on the disks below it, which count already.
        return sum(
            one.rose(first, last)
            for one in by_name[f"node_disk_{name}_total"]
            if one.labels["host"] == hosts[-1] and not one.labels["device"].startswith("dm-")
        )

    return MachineUse(
        cores=len({one.labels["cpu"] for one in own}),
        busy=round(busy, 6),
        steal=round(modes["steal"], 6),
        foreign=round(max(0.0, busy - ours), 6),
        disk_reads=disk("reads_completed"),
        disk_writes=disk("writes_completed"),
        disk_read_bytes=disk("read_bytes"),
        disk_written_bytes=disk("written_bytes"),
    )


def _begun(series: list[Series], hosts: Mapping[str, Tier]) -> dict[str, float]:
    return {
        one.labels["host"]: float(one.values[-1])
        for one in series
        if one.labels["groupname"] == SERVICES.get(hosts[one.labels["host"]])
    }
