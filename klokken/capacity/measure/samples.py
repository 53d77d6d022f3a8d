"""Samples of the site's Prometheus: counters as they were read, at the very edges of a stretch.

The raw samples are asked for and interpolated here. Prometheus's own `rate` would extrapolate
from those inside, and blur a stretch by as much as its neighbours differ.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from klokken import telemetry
from klokken.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.curve import Floats
    from klokken.inventory import Inventory

# Seconds before and after a stretch that are asked for too; the site is read every two.
EDGE = 6.0
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
