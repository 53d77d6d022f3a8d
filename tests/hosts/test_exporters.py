"""Every host says how it is, to Prometheus alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.hosts.on_host import assert_runs_hardened, get, listening

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory

UNITS = {"prometheus-node-exporter.service": 9100, "prometheus-process-exporter.service": 9256}


@pytest.mark.parametrize("unit", UNITS)
def test_exporter_runs(host: Host, unit: str) -> None:
    assert_runs_hardened(host, unit)


@pytest.mark.parametrize("port", UNITS.values())
def test_exporter_listens_on_the_hosts_own_address_only(
    host: Host, inventory: Inventory, port: int
) -> None:
    (address,) = listening(host, port)
    assert address in {str(h.site_address) for h in inventory.hosts().values()}


def test_every_process_is_in_a_group(host: Host) -> None:
    (address,) = listening(host, 9256)
    page = get(host, f"http://{address}:9256/metrics")
    counts = dict(re.findall(r'namedprocess_namegroup_num_procs\{groupname="(\w+)"\} (\d+)', page))
    assert {"exporters", "systemd", "sshd"} <= counts.keys()
    # Kernel threads are no process of a container, and have no command line elsewhere.
    processes = host.run("ls -d /proc/[0-9]*").stdout.split()
    assert sum(map(int, counts.values())) == pytest.approx(len(processes), abs=6)


def test_the_disk_is_watched(host: Host) -> None:
    (address,) = listening(host, 9100)
    page = get(host, f"http://{address}:9100/metrics")
    assert re.search(r'node_filesystem_avail_bytes\{.*mountpoint="/"\}', page)
    failed = re.findall(r'node_scrape_collector_success\{collector="(\w+)"\} 0', page)
    # A kernel may lack the accounting of pressure; all else must work everywhere.
    assert set(failed) <= {"pressure"}
