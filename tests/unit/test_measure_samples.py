"""What a site used, from the very samples that its Prometheus has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from klokken.capacity.measure.readings import usage
from klokken.capacity.measure.samples import BEGUN, CPU, MEMORY, parsed
from klokken.errors import MachineError
from klokken.topology import Tier

HOSTS = {"identity1": Tier.IDENTITY, "edge1": Tier.EDGE}
# Every two seconds, and the node exporter every ten.
OFTEN, SELDOM = np.arange(100, 162, 2.0), np.arange(103, 162, 10.0)


def series(name: str, times: Any, values: Any, **labels: str) -> dict[str, Any]:
    values = np.broadcast_to(values, times.shape)
    pairs = [[float(t), str(v)] for t, v in zip(times, values, strict=True)]
    return {"metric": {"__name__": name, **labels}, "values": pairs}


def site() -> list[dict[str, Any]]:
    """Return a site of two hosts on a machine of two cores, of which others use 0.1."""
    found = []
    for host, group, cores in (("identity1", "keycloak", 1.2), ("edge1", "haproxy", 0.1)):
        who = {"host": host, "groupname": group}
        # Slow until 120, at its rate from then on.
        counter = np.maximum(0.0, OFTEN - 120) * cores
        found += [
            series(CPU, OFTEN, counter * 0.75, mode="user", **who),
            series(CPU, OFTEN, counter * 0.25, mode="system", **who),
            series(MEMORY, OFTEN, 1e9 + OFTEN, **who),
            series(BEGUN, OFTEN, 42.0, **who),
            series("node_sockstat_TCP_inuse", SELDOM, 30.0, host=host),
        ]
        busy = np.maximum(0.0, SELDOM - 120) * (1.3 + 0.1)
        for cpu in ("0", "1"):
            modes = {"user": busy / 2, "idle": SELDOM, "iowait": SELDOM, "steal": SELDOM * 0.01}
            found += [
                series("node_cpu_seconds_total", SELDOM, v, mode=mode, cpu=cpu, host=host)
                for mode, v in modes.items()
            ]
        for device, each in (("host0", 500.0), ("lo", 9e9)):
            found += [
                series(
                    f"node_network_{way}_bytes_total",
                    SELDOM,
                    SELDOM * each,
                    device=device,
                    host=host,
                )
                for way in ("receive", "transmit")
            ]
        for device in ("vda", "dm-0"):
            found.append(
                series(
                    "node_disk_writes_completed_total", SELDOM, SELDOM * 7, device=device, host=host
                )
            )
    return found


def used(answer: list[dict[str, Any]], begin: float, end: float, *, shared: bool = True) -> Any:
    found = parsed({"data": {"result": answer}})
    return usage(found, HOSTS, shared=shared, begin=begin, end=end)


def test_cpu_is_that_of_the_stretch_to_its_very_edges() -> None:
    found = used(site(), 125.3, 155.9)
    assert found.gaps == []
    assert found.tiers[Tier.IDENTITY].cpu == {"keycloak": pytest.approx(1.2)}
    assert found.tiers[Tier.EDGE].cores == pytest.approx(0.1)
    # Half of this stretch lies before the load began.
    assert used(site(), 110.0, 130.0).tiers[Tier.IDENTITY].cores == pytest.approx(0.6)


def test_memory_connections_and_network_are_the_hosts_own() -> None:
    tier = used(site(), 125.0, 155.0).tiers[Tier.EDGE]
    assert tier.memory_bytes["haproxy"] == pytest.approx(1e9 + 140)
    assert tier.connections == 30
    assert tier.received_bytes == tier.sent_bytes == pytest.approx(500)


def test_what_nobody_of_the_site_used_is_foreign() -> None:
    found = used(site(), 125.0, 155.0)
    [machine] = found.machines.values()
    assert machine.cores == 2
    assert machine.busy == pytest.approx(1.4)
    assert machine.foreign == pytest.approx(0.1)
    assert machine.steal == pytest.approx(0.02)
    assert machine.disk_writes == pytest.approx(7)
    assert found.others() == []


def test_hosts_of_their_own_machines_are_told_one_by_one() -> None:
    found = used(site(), 125.0, 155.0, shared=False)
    assert found.machines["edge1"].foreign == pytest.approx(1.3)
    assert found.others()[1:] == [
        "edge1: others used 1.30 and the hypervisor took 0.02 of 2 cores, limit 0.20 together"
    ]


def test_when_each_service_began_is_known() -> None:
    assert used(site(), 125.0, 155.0).begun == {"identity1": 42.0, "edge1": 42.0}


def _without(answer: list[dict[str, Any]], first: float, last: float) -> list[dict[str, Any]]:
    return [
        {**one, "values": [v for v in one["values"] if not first <= v[0] <= last]} for one in answer
    ]


def test_what_was_not_read_is_told_and_not_guessed() -> None:
    assert used(site(), 125.0, 165.0).gaps[0] == "identity1: not read at an edge of the step"
    assert used(_without(site(), 130, 144), 125.0, 155.0).gaps == [
        "identity1: not read for 18 s",
        "edge1: not read for 18 s",
        "the machine: fewer than two readings of its CPU",
    ]
    assert used([], 125.0, 155.0).gaps == [
        "identity1: not read at an edge of the step",
        "edge1: not read at an edge of the step",
        "the machine: fewer than two readings of its CPU",
    ]
    assert used(site(), 140.0, 150.0).gaps == ["the machine: fewer than two readings of its CPU"]


def test_counters_that_begin_anew_are_told() -> None:
    answer = site()
    answer[0]["values"][20][1] = "0"
    assert used(answer, 125.0, 155.0).gaps == ["identity1: its counters began anew"]


def test_a_sum_that_was_taken_in_another_order_is_no_new_beginning() -> None:
    answer = site()
    before = float(answer[0]["values"][19][1])
    answer[0]["values"][20][1] = str(before - 1e-9)
    assert used(answer, 125.0, 155.0).gaps == []


def test_an_answer_of_another_form_is_told_in_one_line() -> None:
    with pytest.raises(MachineError, match="answer of another form"):
        parsed({"data": {"result": [{"metric": {}, "values": [["now", "much"]]}]}})
