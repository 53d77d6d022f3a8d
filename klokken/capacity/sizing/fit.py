"""How many hosts of a kind a tier takes: with one of them down, and headroom on all that it has.

The rules differ by how a tier shares its work out. A tier that spreads it takes one host more than
the work needs. A database has one host that does all, and one that stands by. A drive is made of
cells, a host each, and one host more that takes the place of one that is down.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from klokken.population import largest_cell
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.pricelist import PriceList
    from klokken.capacity.sizing.asked import SiteAsked

# More hosts of one tier at one site than these are a sign to take larger ones, or more sites.
MOST_HOSTS = 500


@dataclass(frozen=True, slots=True)
class Rules:
    """What has to hold: the share of each host to keep free, and pupils a cell at most."""

    headroom: float
    cell: int


@dataclass(frozen=True, slots=True)
class Fit:
    """Hosts of one kind for one tier: `up` carry it, one more may be down.

    `used` says what share of each thing the busiest host uses with one down; `bound` which of them
    decides how many there are, `cell` where it is the size of a cell, `one` where one would do.
    """

    tier: Tier
    kind: str
    up: int
    cores: int
    memory_gb: float
    volume_gb: int
    volumes: int
    used: dict[str, float]
    bound: str
    month_eur: float

    @property
    def hosts(self) -> int:
        """All hosts, the one that may be down among them."""
        return self.up + 1


@dataclass(frozen=True, slots=True)
class Carrier:
    """Hosts of one kind that are to carry one tier of a site.

    `pooled` is how many connections the hosts of other tiers hold open to each of them.
    """

    tier: Tier
    site: SiteAsked
    prices: PriceList
    kind: str
    rules: Rules
    pooled: float = 0.0

    def fit(self) -> Fit | None:
        """Return the fewest hosts that carry the tier, or None where no number of them does."""
        counts = range(1, (1 if self.tier is Tier.DATABASE else MOST_HOSTS - 1) + 1)
        # More hosts never have larger cells.
        few = bisect_left(counts, x=True, key=self._within_cells)
        # With even shares they never bear less either; whole schools make a cell somewhat larger.
        even = bisect_left(counts, x=True, lo=few, key=lambda up: self.bears(1 / up))
        for up in counts[even:]:
            if self.bears(self._share(up)):
                return self._fit(up)
        return None

    def bears(self, share: float) -> bool:
        """Say whether a host that carries `share` of the tier keeps free what it has to."""
        return max(self.used(share).values()) <= 1 - self.rules.headroom

    def used(self, share: float) -> dict[str, float]:
        """Return what share of each thing a host uses that carries `share` of the tier."""
        asked, host = self.site.tiers[self.tier], self.prices.hosts[self.kind]
        most = asked.resources.connections_most
        connections = asked.connections * share + self.pooled
        shared_kb = asked.of("session_kb") * asked.pupils * share
        memory = (
            asked.of("memory_gb")
            + (shared_kb + asked.of("connection_kb") * connections) / 1_000_000
        )
        data = asked.data_gb * share
        on_volume = self._on_volume(data)
        disk = self.prices.volume_iops if on_volume else self.prices.disk_iops
        accounts = self.site.accounts * (share if self.tier is Tier.DRIVE else 1.0)
        cores = asked.cores + asked.cores_an_account * accounts
        writes = asked.visits * asked.of("visit_writes") * share
        return {
            "CPU": cores * share / (self.prices.cores(self.kind) * self.prices.core_speed.value),
            "memory": memory / host.memory_gb,
            "connections": connections / most.value if most else 0.0,
            "IOPS": writes / disk.value if disk else 0.0,
            "network": asked.mbit * share / self.prices.host_mbit.value,
            "disk": data / (self.prices.volume_gb_most.value if on_volume else host.disk_gb),
        }

    def _share(self, up: int) -> float:
        """Return the share of the tier that the busiest of so many hosts carries."""
        return self.site.largest_share(up) if self.tier is Tier.DRIVE else 1 / up

    def _within_cells(self, up: int) -> bool:
        """Say whether of so many cells none has more pupils than it may."""
        most = self.rules.cell
        return self.tier is not Tier.DRIVE or largest_cell(self.site.pupils, up) <= most

    def _on_volume(self, data: float) -> bool:
        """Say whether data lies on a volume: a cell's does, so that another host can take it."""
        own = self.prices.hosts[self.kind].disk_gb * (1 - self.rules.headroom)
        return self.tier is Tier.DRIVE or data > own or not own

    def _fit(self, up: int) -> Fit:
        share = self._share(up)
        used, data = self.used(share), self.site.tiers[self.tier].data_gb * share
        volume = ceil(data / (1 - self.rules.headroom)) if self._on_volume(data) else 0
        # The host that stands by for cells takes over a volume; one of another tier has its own.
        volumes = up if self.tier is Tier.DRIVE else up + 1
        bound = max(used, key=lambda name: used[name])
        if up > 1 and self.bears(self._share(up - 1)):
            bound = "cell"
        elif up == 1 and used[bound] < (1 - self.rules.headroom) / 2:
            bound = "one"
        stored = volumes * volume * self.prices.block_gb_eur_month.value
        return Fit(
            tier=self.tier,
            kind=self.kind,
            up=up,
            cores=self.prices.cores(self.kind),
            memory_gb=self.prices.hosts[self.kind].memory_gb,
            volume_gb=volume,
            volumes=volumes if volume else 0,
            used=used,
            bound=bound,
            month_eur=(up + 1) * self.prices.month(self.kind) + stored,
        )
