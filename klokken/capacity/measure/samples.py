"""Usage from the site's Prometheus: counters as they were read, at the very edges of a stretch.

The raw samples are asked for and interpolated here. Prometheus's own `rate` would extrapolate
from those inside, and blur a stretch by as much as its neighbours differ.
"""

from __future__ import annotations

import urllib.parse
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from klokken import telemetry
from klokken.capacity.measure.usage import MachineUse, TierUse, Usage
from klokken.errors import MachineError
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from klokken.curve import Floats
    from klokken.inventory import Inventory

# Seconds before and after a stretch in which each host must have been read, and the longest
# time between two readings; the site reads every two.
EDGE, LONGEST_GAP = 5.0, 10.0
CPU = "namedprocess_namegroup_cpu_seconds_total"
MEMORY = "namedprocess_namegroup_memory_bytes"
BEGUN = "namedprocess_namegroup_oldest_start_time_seconds"
QUERIES = (
    CPU,
    MEMORY + '{memtype="resident"}',
    BEGUN,
    (
        '{__name__=~"node_cpu_seconds_total|node_network_(receive|transmit)_bytes_total'
        "|node_disk_(reads|writes)_completed_total|node_disk_(read|written)_bytes_total"
        '|node_sockstat_TCP_inuse"}'
    ),
)
# The process group whose start is that of a tier's service.
SERVICES = {
    Tier.EDGE: "haproxy",
    Tier.IDENTITY: "keycloak",
    Tier.DATABASE: "postgres",
    Tier.DRIVE: "drive",
}
_NOT_BUSY = {"idle", "iowait", "steal"}


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one metric: when each was taken, in Unix seconds, and what it was."""

    labels: Mapping[str, str]
    times: Floats
    values: Floats

    def rose(self, begin: float, end: float) -> float:
        """Return by how much a counter rose a second; what was not there yet began at its first."""
        first, last = np.interp([begin, end], self.times, self.values)
        return float(last - first) / (end - begin)

    def mean(self, begin: float, end: float) -> float:
        """Return the mean of the samples within, 0 where there is none."""
        within = self.values[(self.times >= begin) & (self.times <= end)]
        return float(within.mean()) if len(within) else 0.0


def ask(inventory: Inventory, begin: float, end: float) -> list[Series]:
    """Return what Prometheus has from shortly before `begin` to shortly after `end`."""
    found: list[Series] = []
    with telemetry.prometheus(inventory) as get:
        for query in QUERIES:
            length = int(end - begin + 2 * EDGE + 1)
            asked = {"query": f"{query}[{length}s]", "time": f"{end + EDGE:.3f}"}
            found += parsed(get(f"query?{urllib.parse.urlencode(asked)}"))
    return found


def parsed(answer: Any) -> list[Series]:
    """Return the series of an answer; raise MachineError where it has another form."""
    try:
        return [
            Series(
                series["metric"],
                np.array([float(moment) for moment, _ in series["values"]]),
                np.array([float(value) for _, value in series["values"]]),
            )
            for series in answer["data"]["result"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise MachineError(f"Prometheus gave an answer of another form ({error!r})") from None


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
        if any((np.diff(one.values) < 0).any() for one in own):
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
