"""What a site on OpenStack declares, by Pulumi's own mocks: nothing is bought."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

import pytest

from klokken.clouds.openstack import EU, profiles
from klokken.document import validated
from klokken.errors import InputError
from tests.clouds import STACK, Recorder, configured, declared, refused

OVH = {"cloud": "ovh", "region": "DE1", "type": "b3-16", "flavours": {}}
SAFESPRING = {
    "cloud": "safespring",
    "region": "sto1",
    "type": "4-16",
    "flavours": {"4-16": "a-name-of-its-own"},
}


@pytest.fixture(scope="module")
def seen(key: str) -> Recorder:
    return declared(configured("openstack", key))


def of(seen: Recorder, kind: str) -> dict[str, dict[str, Any]]:
    return {a.name: a.inputs for a in seen.declared if a.typ.startswith(f"openstack:{kind}:")}


def test_every_cloud_is_within_the_eu() -> None:
    assert {r.country for p in profiles().values() for r in p.regions.values()} <= EU
    assert set(profiles()) == {"elastx", "cleura", "safespring", "ovh", "otc", "binero"}


def test_a_cloud_outside_the_eu_is_no_cloud() -> None:
    one = profiles()["ovh"]
    far = {"GRA11": {"country": "CA", "auth_url": "https://auth.example/v3"}}
    with pytest.raises(InputError, match="outside the EU"):
        validated(type(one), {**one.model_dump(), "regions": far}, "a test")


def test_what_differs_from_cloud_to_cloud_is_data(key: str) -> None:
    cleura = declared(configured("openstack", key))
    assert len(of(cleura, "networking/floatingIp")) == 7
    assert len(of(cleura, "networking/port")) == 7
    safespring = declared(configured("openstack", key, **SAFESPRING))
    assert not of(safespring, "networking/floatingIp")
    assert len(of(safespring, "networking/port")) == 14


def test_the_cloud_gives_away_no_address_of_the_plan(key: str) -> None:
    config = configured("openstack", key)
    (subnet,) = of(declared(config), "networking/subnet").values()
    (pool,) = subnet["allocationPools"]
    start, end = (IPv4Address(pool[edge]) for edge in ("start", "end"))
    assert start < end < min(config.site.addresses().values())


def test_a_host_on_the_public_network_is_reached_there_and_has_one_way_out(key: str) -> None:
    seen = declared(configured("openstack", key, **SAFESPRING))
    for server in of(seen, "compute/instance").values():
        private, public = server["networks"]
        assert public["accessNetwork"]
        assert not private.get("accessNetwork")
    (subnet,) = of(seen, "networking/subnet").values()
    assert subnet["noGateway"]
    assert not of(seen, "networking/router")


@pytest.mark.parametrize("settings", [{}, {**OVH, "front": "balancer"}])
def test_a_router_leads_out_where_addresses_are_floating(
    key: str, settings: dict[str, Any]
) -> None:
    seen = declared(configured("openstack", key, **settings))
    (subnet,) = of(seen, "networking/subnet").values()
    assert not subnet.get("noGateway")
    assert len(of(seen, "networking/router")) == 1


def test_a_flavour_is_the_clouds_own_name_for_a_kind_with_a_price(seen: Recorder) -> None:
    servers = of(seen, "compute/instance")
    assert {s["flavorName"] for s in servers.values()} == {"4C-8GB"}
    assert {s["metadata"]["kind"] for s in servers.values()} == {"4-8"}


def test_a_host_without_a_disk_of_its_own_boots_from_a_volume(key: str) -> None:
    servers = of(declared(configured("openstack", key)), "compute/instance")
    (disk,) = servers[f"{STACK}-database1"]["blockDevices"]
    assert disk["destinationType"] == "volume"
    assert disk["deleteOnTermination"] is False
    (disk,) = servers[f"{STACK}-edge1"]["blockDevices"]
    assert disk["deleteOnTermination"] is True
    servers = of(declared(configured("openstack", key, **OVH)), "compute/instance")
    assert all(s["imageName"] == "Debian 13" for s in servers.values())


def test_where_the_price_list_has_the_clouds_own_names_nobody_repeats_them(key: str) -> None:
    servers = of(declared(configured("openstack", key, **OVH)), "compute/instance")
    assert {s["flavorName"] for s in servers.values()} == {"b3-16"}


def test_hosts_know_whom_to_ask_for_names(key: str, seen: Recorder) -> None:
    (subnet,) = of(seen, "networking/subnet").values()
    assert subnet["dnsNameservers"] == ["86.54.11.100", "86.54.11.200"]
    own = declared(configured("openstack", key, name_servers=["192.0.2.53"]))
    (subnet,) = of(own, "networking/subnet").values()
    assert subnet["dnsNameservers"] == ["192.0.2.53"]


def test_hosts_of_a_tier_are_apart_where_that_can_be(seen: Recorder) -> None:
    groups = of(seen, "compute/serverGroup")
    assert {group["policies"] for group in groups.values()} == {"soft-anti-affinity"}
    assert len(groups) == 6


def test_a_volume_is_encrypted_where_the_cloud_has_a_type_for_it(key: str) -> None:
    volumes = of(declared(configured("openstack", key, **OVH)), "blockstorage/volume")
    assert {v["volumeType"] for v in volumes.values()} == {"classic-luks"}


def test_no_credential_is_ever_an_input(seen: Recorder) -> None:
    (provider,) = [a for a in seen.declared if a.typ.startswith("pulumi:pr")]
    assert set(provider.inputs) == {"authUrl", "cloud", "region"}


def test_octavia_stands_before_the_edges(key: str) -> None:
    tiers = {"edge": {"count": 3}}
    seen = declared(configured("openstack", key, tiers, front="balancer"))
    members = of(seen, "loadbalancer/member")
    assert len(members) == 6
    assert {m["protocolPort"] for m in members.values()} == {80, 443}


@pytest.mark.parametrize("settings", [{}, {"front": "balancer"}, OVH, SAFESPRING])
def test_the_policy_pack_lets_the_whole_stack_through(key: str, settings: dict[str, Any]) -> None:
    seen = declared(configured("openstack", key, **settings))
    assert refused(seen) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"cloud": "acme"}, "choose elastx, cleura, safespring, ovh, otc, binero"),
        ({"region": "Dx1"}, "is not a region of Cleura within the EU; choose Kna1, Sto2, Fra1"),
        ({"cloud": "ovh", "region": "BHS5"}, "is not a region of OVHcloud within the EU"),
        (
            {"type": "8-16"},
            "flavours: does not say what Cleura calls the kind '8-16'; add `8-16: NAME`",
        ),
        ({"types": {"drive": "8-16"}}, "`openstack flavor list`"),
        ({"type": "1-1"}, "'1-1' is not in the price list of Cleura; choose 4-8, 8-16"),
        ({"cloud": "elastx", "region": "se-sto"}, "there is no price list of elastx"),
        ({**SAFESPRING, "front": "balancer"}, "Safespring has no load balancer as a service"),
    ],
)
def test_what_a_cloud_has_not_is_one_line(key: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as refused:
        configured("openstack", key, **settings)
    assert said in str(refused.value)
