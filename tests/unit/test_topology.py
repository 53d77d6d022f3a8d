"""A topology says which hosts there are, and growing it moves none of them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from klokken.errors import InputError
from klokken.inventory import Inventory
from klokken.stackconfig import StackConfig
from klokken.topology import Tier, Topology
from stacks.site import inventory

COUNTS = st.fixed_dictionaries({tier.value: st.integers(1, 20) for tier in Tier})


REACH = {"ansible_ssh_private_key_file": "key", "ansible_ssh_common_args": "-o BatchMode=yes"}


def own(config: StackConfig) -> dict[str, dict[str, str]]:
    """Return what a substrate that is free to choose says of each host."""
    chosen = {name: str(address) for name, address in config.site.addresses().items()}
    return {name: {"ansible_host": a, "site_address": a} for name, a in chosen.items()}


def topology(counts: dict[str, int]) -> Topology:
    tiers: dict[str, Any] = {tier: {"count": count} for tier, count in counts.items()}
    site = {"domain": "skole.test", "network": "198.18.0.0/24", "accounts": 1, "tiers": tiers}
    return Topology.model_validate(site)


@given(COUNTS)
def test_every_host_has_an_address_of_its_own_inside_the_network(counts: dict[str, int]) -> None:
    addresses = topology(counts).addresses()
    assert list(addresses) == [host.name for host in topology(counts).hosts()]
    assert len(set(addresses.values())) == sum(counts.values())
    assert all(address in topology(counts).network for address in addresses.values())


@given(COUNTS, COUNTS)
def test_growing_a_tier_moves_no_host(few: dict[str, int], many: dict[str, int]) -> None:
    before, after = topology(few).addresses(), topology(many).addresses()
    assert all(before[name] == after[name] for name in before.keys() & after.keys())


def test_a_tier_that_is_not_named_has_one_host() -> None:
    assert len(topology({}).hosts()) == len(Tier)


@given(COUNTS)
def test_an_inventory_survives_being_written_and_read(counts: dict[str, int]) -> None:
    site = topology(counts).model_dump(mode="json")
    config = StackConfig.parse({"klokken:substrate": "lab", "klokken:site": site}, "a test")
    written = inventory("lab", config, REACH, own(config))
    assert Inventory.model_validate(yaml.safe_load(written.to_yaml())) == written


def with_hosts(**hosts: Any) -> StackConfig:
    tiers = {"drive": {"count": 2, "hosts": hosts}}
    site = {"domain": "skole.test", "network": "198.18.0.0/24", "accounts": 1, "tiers": tiers}
    return StackConfig.parse({"klokken:substrate": "lab", "klokken:site": site}, "a test")


def test_variables_of_one_host_are_that_hosts_alone_in_the_inventory() -> None:
    config = with_hosts(drive2={"drive_directory": "embedded"})
    hosts = inventory("lab", config, REACH, own(config)).hosts(Tier.DRIVE)
    assert hosts["drive1"].model_extra == {}
    assert hosts["drive2"].model_extra == {"drive_directory": "embedded"}


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ({"drive3": {}}, r"'drive3', which is no host of the tier; choose drive1, drive2"),
        ({"edge1": {}}, r"'edge1', which is no host of the tier"),
        ({"drive2": {"ansible_host": "10.0.0.1"}}, r"drive2\.ansible_host: not given here"),
        ({"drive2": "embedded"}, r"tiers\.drive\.hosts\.drive2"),
    ],
)
def test_variables_of_a_host_that_the_tier_has_not_are_refused_in_one_line(
    hosts: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said) as refused:
        with_hosts(**hosts)
    assert "\n" not in str(refused.value)


def with_generators(variables: Any = None, **hosts: Any) -> Topology:
    tiers = {"loadgen": {"count": 2, "hosts": hosts, "variables": variables or {}}}
    site = {"domain": "skole.test", "network": "198.18.0.0/24", "accounts": 1, "tiers": tiers}
    return Topology.model_validate(site)


def test_load_generators_may_have_addresses_that_no_host_will_ever_have() -> None:
    found = with_generators(
        loadgen1={"loadgen_addresses": ["198.18.0.131"]},
        loadgen2={"loadgen_addresses": ["198.18.0.132", "198.18.0.254"]},
    )
    everyone = topology(dict.fromkeys([tier.value for tier in Tier], 20)).addresses()
    further = {"198.18.0.131", "198.18.0.132", "198.18.0.254"}
    assert further.isdisjoint({str(address) for address in everyone.values()})
    assert found.tiers[Tier.LOADGEN].count == 2


@pytest.mark.parametrize(
    ("addresses", "problem"),
    [
        (["198.18.0.130"], "has 198.18.0.130; give addresses from 198.18.0.131 to 198.18.0.254"),
        (["198.18.0.255"], "each once"),
        (["198.18.0.140", "198.18.0.140"], "each once"),
        (["10.0.0.1"], "give addresses from"),
        (["somewhere"], "somewhere"),
        ("198.18.0.131", "is not a list"),
    ],
)
def test_other_addresses_are_refused(addresses: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        with_generators(loadgen1={"loadgen_addresses": addresses})


def test_two_hosts_cannot_have_the_same_addresses() -> None:
    with pytest.raises(ValueError, match="give them to single hosts, under `hosts`"):
        with_generators({"loadgen_addresses": ["198.18.0.131"]})
