"""The rules of the policy pack: what each lets through, and what each refuses."""

from __future__ import annotations

from typing import Any

import pytest

from policy.rules import RULES
from policy.seen import Seen

LABELS = {"owner": "horsens", "purpose": "school"}
DATABASE = {**LABELS, "tier": "database"}
BARE = {"destinationType": "volume"}
LUKS = {**BARE, "volumeType": "classic-luks"}
SERVER = "hcloud:index/server:Server"
VOLUME = "hcloud:index/volume:Volume"
WALL = "hcloud:index/firewall:Firewall"
GROUP_RULE = "openstack:networking/secGroupRule:SecGroupRule"
INSTANCE = "openstack:compute/instance:Instance"
PORT = "openstack:networking/port:Port"
CINDER = "openstack:blockstorage/volume:Volume"
MACHINE = "proxmoxve:index/vmLegacy:VmLegacy"
ANYWHERE = ["0.0.0.0/0", "::/0"]


def problems(rule: str, kind: str, props: dict[str, Any], *, protect: bool = False) -> list[str]:
    return list(RULES[rule](Seen(kind, "it", props, protect=protect)))


def wall(port: str | None, sources: list[str], protocol: str = "tcp") -> dict[str, Any]:
    rule = {"direction": "in", "protocol": protocol, "port": port, "sourceIps": sources}
    return {"rules": [rule]}


def way_in(port: int | None, source: str | None, **other: Any) -> dict[str, Any]:
    rule = {"direction": "ingress", "protocol": "tcp", "remoteIpPrefix": source}
    return {**rule, "portRangeMin": port, "portRangeMax": port, **other}


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (SERVER, {"location": "hel1"}),
        (SERVER, {"datacenter": "fsn1-dc14"}),
        ("hcloud:index/networkSubnet:NetworkSubnet", {"networkZone": "eu-central"}),
        ("pulumi:providers:hcloud", {}),
        ("pulumi:providers:hcloud", {"endpoint": "https://api.hetzner.cloud/v1"}),
        ("pulumi:providers:hcloud", {"endpoint": "http://127.0.0.1:8080/v1"}),
        (
            "pulumi:providers:openstack",
            {"authUrl": "https://sto2.citycloud.com:5000/v3", "region": "Sto2"},
        ),
        ("pulumi:providers:proxmoxve", {"endpoint": "https://pve.horsens.example:8006/"}),
        (INSTANCE, {"region": "Sto2"}),
        ("klokken:hetzner:Server", {"location": "the moon"}),
    ],
)
def test_what_is_within_the_eu_passes(kind: str, props: dict[str, Any]) -> None:
    assert problems("within-the-eu", kind, props) == []


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (SERVER, {"location": "ash"}),
        (SERVER, {"datacenter": "hil-dc1"}),
        (VOLUME, {"location": "sin"}),
        (SERVER, {}),
        ("hcloud:index/floatingIp:FloatingIp", {"homeLocation": "ash"}),
        ("hcloud:index/networkSubnet:NetworkSubnet", {"networkZone": "us-east"}),
        ("pulumi:providers:hcloud", {"endpoint": "http://api.hetzner.cloud/v1"}),
        ("pulumi:providers:hcloud", {"endpoint": "https://api.hetzner.cloud.example/v1"}),
        ("pulumi:providers:openstack", {"region": "Sto2"}),
        (
            "pulumi:providers:openstack",
            {"authUrl": "https://auth.cloud.ovh.net/v3", "region": "BHS5"},
        ),
        (
            "pulumi:providers:openstack",
            {
                "authUrl": "https://sto2.citycloud.com:5000/v3",
                "region": "Sto2",
                "endpointOverrides": '{"compute": "https://compute.elsewhere.example/v2.1/"}',
            },
        ),
        ("pulumi:providers:proxmoxve", {"endpoint": "http://pve.horsens.example:8006/"}),
        ("pulumi:providers:hcloud", {"endpointHetzner": "https://api.hetzner.example/v1"}),
        (INSTANCE, {"region": "BHS5"}),
        (CINDER, {"region": "UK1"}),
    ],
)
def test_what_is_outside_the_eu_is_refused(kind: str, props: dict[str, Any]) -> None:
    (problem,) = problems("within-the-eu", kind, props)
    assert "; " in problem


def test_an_endpoint_that_only_the_environment_names_is_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HCLOUD_ENDPOINT", "https://api.elsewhere.example/v1")
    (problem,) = problems("within-the-eu", "pulumi:providers:hcloud", {})
    assert problem.endswith("is not Hetzner's API; remove HCLOUD_ENDPOINT")


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (WALL, wall("443", ANYWHERE)),
        (SERVER, {"firewallIds": [1]}),
        (PORT, {"securityGroupIds": ["inside"]}),
        (WALL, wall(None, ANYWHERE, "icmp")),
        (WALL, wall("22", ["192.0.2.0/24", "2001:db8::/48"])),
        (WALL, wall("5432", ["10.0.0.0/8"])),
        (WALL, {"rules": [{"direction": "out", "protocol": "tcp", "port": "25"}]}),
        (GROUP_RULE, way_in(80, "0.0.0.0/0")),
        (GROUP_RULE, way_in(22, "192.0.2.0/24")),
        (GROUP_RULE, way_in(None, "10.20.0.0/24")),
        (GROUP_RULE, way_in(5432, None, remoteGroupId="inside")),
        ("hcloud:index/loadBalancerService:LoadBalancerService", {"listenPort": 443}),
        ("hcloud:index/loadBalancerService:LoadBalancerService", {"protocol": "https"}),
        ("openstack:loadbalancer/listener:Listener", {"protocolPort": 80.0}),
    ],
)
def test_the_web_is_public_and_the_rest_is_for_a_few(kind: str, props: dict[str, Any]) -> None:
    assert problems("only-the-web-is-public", kind, props) == []


@pytest.mark.parametrize(
    ("kind", "props", "named"),
    [
        (WALL, wall("22", ANYWHERE), "22 (SSH)"),
        (WALL, wall("22", ["2001::/16"]), "22 (SSH)"),
        (WALL, wall("5432", ["0.0.0.0/1"]), "5432 (a database)"),
        (WALL, wall("80-443", ANYWHERE), "80, 443"),
        (WALL, wall("1-65535", ANYWHERE), "5432 (a database)"),
        (WALL, wall("53", ANYWHERE, "udp"), "53"),
        (GROUP_RULE, way_in(8006, "0.0.0.0/0"), "8006 (Proxmox)"),
        (GROUP_RULE, way_in(5432, None), "5432 (a database)"),
        (GROUP_RULE, way_in(None, "0.0.0.0/0"), "22 (SSH)"),
        ("hcloud:index/loadBalancerService:LoadBalancerService", {"listenPort": 5432}, "5432"),
        ("openstack:loadbalancer/listener:Listener", {"protocolPort": 22}, "22 (SSH)"),
        (SERVER, {}, "`firewallIds`"),
        (SERVER, {"firewallIds": []}, "`firewallIds`"),
        (PORT, {"portSecurityEnabled": False}, "`portSecurityEnabled`"),
        (PORT, {"noSecurityGroups": True}, "`noSecurityGroups`"),
    ],
)
def test_a_database_or_a_way_to_manage_a_host_is_never_public(
    kind: str, props: dict[str, Any], named: str
) -> None:
    (problem,) = problems("only-the-web-is-public", kind, props)
    assert named in problem


@pytest.mark.parametrize(
    ("kind", "props", "protect"),
    [
        (VOLUME, {"labels": LABELS, "deleteProtection": True}, True),
        (VOLUME, {"labels": {"owner": "horsens", "purpose": "test"}}, False),
        (CINDER, {"metadata": {**LABELS, "cloud": "cleura"}}, True),
        (CINDER, {"metadata": {**LABELS, "cloud": "ovh"}, "volumeType": "classic-luks"}, True),
        (MACHINE, {"tags": ["purpose-school"], "disks": [{}]}, False),
        (MACHINE, {"tags": ["purpose-school"], "disks": [{}, {}], "protection": True}, True),
        (SERVER, {"labels": {**LABELS, "tier": "edge"}}, False),
        (SERVER, {"labels": DATABASE, "deleteProtection": True}, True),
        (SERVER, {"labels": {**DATABASE, "purpose": "test"}}, False),
        (INSTANCE, {"metadata": DATABASE}, True),
        (INSTANCE, {"metadata": {**LABELS, "cloud": "ovh"}, "blockDevices": [LUKS]}, False),
        (MACHINE, {"tags": ["purpose-school", "tier-edge"], "disks": [{}]}, False),
    ],
)
def test_a_disk_that_is_kept_passes(kind: str, props: dict[str, Any], *, protect: bool) -> None:
    assert problems("data-is-kept", kind, props, protect=protect) == []


@pytest.mark.parametrize(
    ("kind", "props", "protect", "named"),
    [
        (VOLUME, {"labels": LABELS, "deleteProtection": True}, False, "`protect`"),
        (VOLUME, {"labels": LABELS}, True, "`deleteProtection`"),
        (CINDER, {"metadata": LABELS}, False, "`protect`"),
        (CINDER, {"metadata": {**LABELS, "cloud": "ovh"}}, True, "classic-luks"),
        (MACHINE, {"tags": ["purpose-school"], "disks": [{}, {}]}, True, "`protection`"),
        (MACHINE, {"tags": ["tier-database"], "disks": [{}]}, True, "`protection`"),
        (SERVER, {"labels": DATABASE, "deleteProtection": True}, False, "`protect`"),
        (SERVER, {"labels": DATABASE}, True, "`deleteProtection`"),
        (INSTANCE, {"metadata": DATABASE}, False, "`protect`"),
        (
            INSTANCE,
            {"metadata": DATABASE, "blockDevices": [{**LUKS, "deleteOnTermination": True}]},
            True,
            "`deleteOnTermination`",
        ),
        (
            INSTANCE,
            {"metadata": {**DATABASE, "cloud": "ovh"}, "blockDevices": [BARE]},
            True,
            "classic-luks",
        ),
    ],
)
def test_a_disk_that_could_be_lost_is_refused(
    kind: str, props: dict[str, Any], *, protect: bool, named: str
) -> None:
    (problem,) = problems("data-is-kept", kind, props, protect=protect)
    assert named in problem


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (SERVER, {"labels": LABELS}),
        (INSTANCE, {"metadata": {"owner": "horsens", "purpose": "test"}}),
        ("openstack:networking/network:Network", {"tags": ["owner=horsens", "purpose=school"]}),
        (MACHINE, {"tags": ["owner-horsens", "purpose-school", "stack-h"]}),
        ("hcloud:index/networkSubnet:NetworkSubnet", {}),
    ],
)
def test_what_says_whose_it_is_passes(kind: str, props: dict[str, Any]) -> None:
    assert problems("owner-and-purpose", kind, props) == []


@pytest.mark.parametrize(
    ("kind", "props", "named"),
    [
        (SERVER, {"labels": {"purpose": "school"}}, "`owner`"),
        (SERVER, {"labels": {"owner": "horsens"}}, "`purpose`"),
        (SERVER, {"labels": {"owner": "horsens", "purpose": "fun"}}, "school, test"),
        (INSTANCE, {"metadata": {"purpose": "school"}}, "`owner`"),
        (MACHINE, {"tags": ["owner-horsens"]}, "`purpose`"),
        ("openstack:networking/router:Router", {"tags": ["purpose=school"]}, "`owner`"),
        ("hcloud:index/snapshot:Snapshot", {"labels": {"purpose": "school"}}, "`owner`"),
    ],
)
def test_what_does_not_is_refused(kind: str, props: dict[str, Any], named: str) -> None:
    (problem,) = problems("owner-and-purpose", kind, props)
    assert named in problem


@pytest.mark.parametrize(
    ("kind", "props"),
    [
        (SERVER, {"serverType": "cpx32"}),
        (SERVER, {"serverType": "cx23"}),
        (INSTANCE, {"metadata": {"cloud": "cleura", "kind": "4-8"}}),
        (VOLUME, {}),
    ],
)
def test_a_server_with_a_price_passes(kind: str, props: dict[str, Any]) -> None:
    assert problems("has-a-price", kind, props) == []


@pytest.mark.parametrize(
    ("kind", "props", "named"),
    [
        (SERVER, {"serverType": "cx11"}, "not in the price list"),
        (INSTANCE, {"metadata": {"cloud": "cleura", "kind": "1-1"}}, "not in the price list"),
        (INSTANCE, {"metadata": {"cloud": "elastx", "kind": "4-8"}}, "no price list of elastx"),
        (INSTANCE, {"flavorName": "huge"}, "`cloud`"),
    ],
)
def test_a_server_without_one_is_refused(kind: str, props: dict[str, Any], named: str) -> None:
    (problem,) = problems("has-a-price", kind, props)
    assert named in problem
