"""A topology says which hosts there are, and growing it moves none of them."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from klokken.inventory import Inventory
from klokken.stackconfig import StackConfig
from klokken.topology import Tier, Topology
from stacks.lab.component import reach
from stacks.site import inventory

COUNTS = st.fixed_dictionaries({tier.value: st.integers(1, 20) for tier in Tier})


def topology(counts: dict[str, int]) -> Topology:
    tiers: dict[str, Any] = {tier: {"count": count} for tier, count in counts.items()}
    site = {"domain": "skole.test", "network": "198.18.0.0/24", "accounts": 1, "tiers": tiers}
    return Topology.model_validate(site)


@given(COUNTS)
def test_every_host_has_an_address_of_its_own_inside_the_network(counts: dict[str, int]) -> None:
    hosts = topology(counts).hosts()
    assert len({host.address for host in hosts}) == len(hosts) == sum(counts.values())
    assert all(host.address in topology(counts).network for host in hosts)


@given(COUNTS, COUNTS)
def test_growing_a_tier_moves_no_host(few: dict[str, int], many: dict[str, int]) -> None:
    before = {host.name: host.address for host in topology(few).hosts()}
    after = {host.name: host.address for host in topology(many).hosts()}
    assert all(before[name] == after[name] for name in before.keys() & after.keys())


def test_a_tier_that_is_not_named_has_one_host() -> None:
    assert len(topology({}).hosts()) == len(Tier)


@given(COUNTS)
def test_an_inventory_survives_being_written_and_read(counts: dict[str, int]) -> None:
    site = topology(counts).model_dump(mode="json")
    config = StackConfig.parse({"klokken:substrate": "lab", "klokken:site": site}, "a test")
    written = inventory("lab", config, reach("lab"))
    assert Inventory.model_validate(yaml.safe_load(written.to_yaml())) == written
