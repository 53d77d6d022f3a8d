"""What a site on Hetzner declares, by Pulumi's own mocks: nothing is bought."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klokken.clouds.hetzner import GROUP
from klokken.errors import InputError
from klokken.topology import Tier
from tests.clouds import PUBLIC_KEY, STACK, Recorder, configured, declared, refused


@pytest.fixture(scope="module")
def seen(key: str) -> Recorder:
    return declared(configured("hetzner", key))


def of(seen: Recorder, kind: str) -> dict[str, dict[str, Any]]:
    return {a.name: a.inputs for a in seen.declared if a.typ.startswith(f"hcloud:index/{kind}:")}


def test_a_tier_has_the_type_that_is_chosen_for_it(seen: Recorder) -> None:
    servers = of(seen, "server")
    assert servers[f"{STACK}-database1"]["serverType"] == "ccx33"
    assert servers[f"{STACK}-edge1"]["serverType"] == "cpx32"


@pytest.mark.heavy
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counts=st.fixed_dictionaries({"drive": st.integers(1, 20), "edge": st.integers(1, 20)}))
def test_a_placement_group_has_ten_servers_of_one_tier_at_most(
    key: str, counts: dict[str, int]
) -> None:
    tiers = {tier: {"count": count} for tier, count in counts.items()}
    seen = declared(configured("hetzner", key, tiers))
    members: dict[int, list[str]] = {}
    for name, server in of(seen, "server").items():
        members.setdefault(server["placementGroupId"], []).append(name)
    assert max(len(names) for names in members.values()) <= GROUP
    assert all(
        len({name.rstrip("0123456789") for name in names}) == 1 for names in members.values()
    )


def test_every_server_is_in_the_network_at_its_planned_address(key: str) -> None:
    config = configured("hetzner", key)
    ties = of(declared(config), "serverNetwork")
    planned = {f"{STACK}-{name}": str(ip) for name, ip in config.site.addresses().items()}
    assert {name: tie["ip"] for name, tie in ties.items()} == planned


def test_servers_have_no_networks_of_their_own(seen: Recorder) -> None:
    assert not any("networks" in s for s in of(seen, "server").values())


def test_ssh_is_let_in_from_the_management_alone(seen: Recorder) -> None:
    walls = of(seen, "firewall")
    ssh = [rule for wall in walls.values() for rule in wall["rules"] if rule.get("port") == "22"]
    assert [rule["sourceIps"] for rule in ssh] == [["192.0.2.0/24"]]


def test_the_edges_alone_are_open_to_everybody(seen: Recorder) -> None:
    counts = {name: len(s["firewallIds"]) for name, s in of(seen, "server").items()}
    assert {name for name, count in counts.items() if count == 2} == {f"{STACK}-edge1"}


def test_behind_a_balancer_no_server_is(key: str) -> None:
    seen = declared(configured("hetzner", key, front="balancer"))
    assert all(len(s["firewallIds"]) == 1 for s in of(seen, "server").values())
    (target,) = of(seen, "loadBalancerTarget").values()
    assert target["usePrivateIp"] is True
    ports = {s["listenPort"] for s in of(seen, "loadBalancerService").values()}
    assert ports == {80, 443}
    assert not of(seen, "primaryIp")


def test_what_an_edge_is_reached_at_outlives_it(seen: Recorder) -> None:
    fixed = of(seen, "primaryIp")
    assert {name: address["type"] for name, address in fixed.items()} == {
        f"{STACK}-edge1-ipv4": "ipv4",
        f"{STACK}-edge1-ipv6": "ipv6",
    }
    assert not any(address["autoDelete"] for address in fixed.values())
    assert all(address["deleteProtection"] for address in fixed.values())
    (net,) = of(seen, "server")[f"{STACK}-edge1"]["publicNets"]
    assert net["ipv4"]
    assert net["ipv6"]


@pytest.mark.parametrize(("front", "said"), [("address", {"edge1"}), ("balancer", set())])
def test_an_edge_serves_at_the_ipv6_address_that_dns_has(
    key: str, front: str, said: set[str]
) -> None:
    (file,) = declared(configured("hetzner", key, front=front)).of("InventoryFile").values()
    groups = yaml.safe_load(file["content"])["all"]["children"].values()
    hosts = {name: host for group in groups for name, host in group["hosts"].items()}
    assert {name for name, host in hosts.items() if host.get("edge_ipv6")} == said


def test_a_volume_is_protected_and_in_the_location_of_its_server(seen: Recorder) -> None:
    volumes = of(seen, "volume")
    assert set(volumes) == {f"{STACK}-drive1", f"{STACK}-drive2"}
    assert all(v["deleteProtection"] and v["size"] == 100 for v in volumes.values())
    assert {v["location"] for v in volumes.values()} == {"fsn1"}


def test_the_first_ssh_key_is_all_that_a_server_is_told(key: str) -> None:
    seen = declared(configured("hetzner", key))
    (ssh,) = of(seen, "sshKey").values()
    assert ssh["publicKey"] == PUBLIC_KEY
    assert not any("userData" in server for server in of(seen, "server").values())


@pytest.mark.parametrize("front", ["address", "balancer"])
def test_the_policy_pack_lets_the_whole_stack_through(key: str, front: str) -> None:
    seen = declared(configured("hetzner", key, front=front))
    assert refused(seen) == []


@pytest.mark.parametrize(
    ("settings_of", "said"),
    [
        ({"location": "ash"}, "not a location within the EU; choose fsn1, nbg1, hel1"),
        ({"type": "cx23"}, "can no longer be ordered"),
        ({"types": {"drive": "cpx33"}}, "'cpx33' is not in the price list"),
        ({"image": "debian-12"}, "debian-13"),
        ({"management": ["0.0.0.0/0"]}, "SSH is for those who run the site"),
        ({"management": []}, "at least 1 item"),
        ({"owner": "Horsens Kommune"}, "owner"),
        ({"purpose": "fun"}, "purpose"),
        ({"front": "none"}, "front"),
        ({"locaton": "fsn1"}, "did you mean 'location'?"),
    ],
)
def test_what_hetzners_preview_does_not_catch_is_one_line(
    key: str, settings_of: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        configured("hetzner", key, **settings_of)
    assert said in str(refused.value)
    assert str(refused.value).startswith("a test: klokken.substrate")


@pytest.mark.parametrize(
    ("tiers", "said"),
    [
        ({"drive": {"volume_gb": 9}}, "9 GB is no size of a volume; give 10 to 10240"),
        ({"database": {"volume_gb": 50}}, "only the tier drive"),
        ({tier: {"count": 20} for tier in Tier}, "120 hosts, and a network has at most 100"),
    ],
)  # fmt: skip
def test_a_topology_that_hetzner_cannot_hold_is_one_line(key: str, tiers: Any, said: str) -> None:
    with pytest.raises(InputError) as refused:
        configured("hetzner", key, tiers)
    assert said in str(refused.value)


def test_a_site_goes_on_with_servers_of_a_type_that_is_no_longer_sold(key: str) -> None:
    config = configured("hetzner", key, type="cx23", discontinued=["cx23"])
    seen = declared(config)
    assert of(seen, "server")[f"{STACK}-edge1"]["serverType"] == "cx23"
    assert refused(seen) == []


def test_a_balancer_that_cannot_send_to_every_edge_is_one_line(key: str) -> None:
    tiers = {"edge": {"count": 26}}
    many = {"front": "balancer", "network": "10.20.0.0/23"}
    with pytest.raises(InputError) as refused:
        configured("hetzner", key, tiers, **many)
    assert "lb11 sends to 25 servers, and there are 26 edges; choose a larger" in str(refused.value)
    configured("hetzner", key, tiers, **many, balancer_type="lb21")


@pytest.mark.parametrize(
    ("token", "said"),
    [("", "hcloud:token: missing"), ("short", "has 5 characters, and a token has 64")],
)
def test_credentials_that_are_missing_or_cannot_be_right_are_one_line(
    key: str, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setenv("HCLOUD_TOKEN", token)
    with pytest.raises(InputError) as refused:
        declared(configured("hetzner", key))
    assert said in str(refused.value)
    assert "pulumi config set --secret hcloud:token" in str(refused.value)


def test_a_key_that_is_not_there_is_one_line(key: str) -> None:
    with pytest.raises(InputError) as refused:
        declared(configured("hetzner", key + "-other"))
    assert "ssh-keygen" in str(refused.value)
