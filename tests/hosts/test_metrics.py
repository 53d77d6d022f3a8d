"""Prometheus watches every host of the site, and answers nobody from outside."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from klokken.topology import Tier
from tests.hosts.on_host import assert_runs_hardened, get, listening

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory

TIER = "metrics"
HERE = "http://127.0.0.1:9090"
PATIENCE = 20.0


def test_prometheus_runs(host: Host) -> None:
    assert_runs_hardened(host, "prometheus.service")


def test_prometheus_listens_on_loopback_only(host: Host) -> None:
    assert listening(host, 9090) == {"127.0.0.1"}


def test_its_settings_are_sound(host: Host) -> None:
    assert host.run("promtool check config --lint-fatal /etc/prometheus/prometheus.yml").rc == 0


def targets(host: Host) -> list[dict[str, Any]]:
    """Return what is watched, once each was looked at: after a start that takes 10 s."""
    end = time.monotonic() + PATIENCE
    while True:
        answer = json.loads(get(host, f"{HERE}/api/v1/targets?state=active"))
        found: list[dict[str, Any]] = answer["data"]["activeTargets"]
        if time.monotonic() > end or all(t["health"] != "unknown" for t in found):
            return found
        time.sleep(1)


def test_every_host_of_the_inventory_is_watched_and_answers(
    host: Host, inventory: Inventory
) -> None:
    found = targets(host)
    expected = {(job, name) for name in inventory.hosts() for job in ("node", "process")}
    expected |= {("keycloak", name) for name in inventory.hosts(Tier.IDENTITY)}
    expected |= {("haproxy", name) for name in inventory.hosts(Tier.EDGE)}
    watched = {(t["labels"]["job"], t["labels"]["host"]) for t in found}
    assert expected <= watched
    silent = [(t["scrapeUrl"], t["lastError"]) for t in found if t["health"] != "up"]
    assert not silent


def test_a_host_is_known_by_its_tier(host: Host, inventory: Inventory) -> None:
    query = "group by (host, tier) (namedprocess_namegroup_cpu_seconds_total)"
    found = json.loads(get(host, f"{HERE}/api/v1/query?query={query.replace(' ', '%20')}"))
    labels = {(r["metric"]["host"], r["metric"]["tier"]) for r in found["data"]["result"]}
    assert labels == {(name, tier.value) for tier in Tier for name in inventory.hosts(tier)}
