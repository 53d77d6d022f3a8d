"""What a site on Proxmox declares, by Pulumi's own mocks: nothing is made."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from klokken.errors import InputError
from tests.clouds import PUBLIC_KEY, STACK, Recorder, configured, declared, refused


@pytest.fixture(scope="module")
def seen(key: str) -> Recorder:
    return declared(configured("proxmox", key))


def of(seen: Recorder, kind: str) -> dict[str, dict[str, Any]]:
    return {a.name: a.inputs for a in seen.declared if a.typ.startswith(f"proxmoxve:{kind}:")}


def machines(seen: Recorder) -> dict[str, dict[str, Any]]:
    return of(seen, "index/vmLegacy")


def test_hosts_of_a_tier_are_on_different_nodes_as_far_as_there_are_nodes(key: str) -> None:
    made = machines(declared(configured("proxmox", key, {"drive": {"count": 6}})))
    nodes = Counter(vm["nodeName"] for name, vm in made.items() if "drive" in name)
    assert nodes == {"pve1": 2, "pve2": 2, "pve3": 2}
    single = Counter(vm["nodeName"] for name, vm in made.items() if "drive" not in name)
    assert max(single.values()) <= 2


def test_a_machine_boots_from_an_image_that_was_checked(seen: Recorder) -> None:
    images = of(seen, "download/fileLegacy")
    assert {image["nodeName"] for image in images.values()} == {"pve1", "pve2", "pve3"}
    assert all(image["checksumAlgorithm"] == "sha512" for image in images.values())
    assert {image["contentType"] for image in images.values()} == {"import"}
    assert all(image["fileName"].endswith(".qcow2") for image in images.values())
    assert all(vm["disks"][0]["importFrom"] for vm in machines(seen).values())


def test_cloud_init_is_told_an_address_and_one_key(key: str) -> None:
    config = configured("proxmox", key)
    told = machines(declared(config))[f"{STACK}-edge1"]["initialization"]
    address = config.site.addresses()["edge1"]
    assert told["ipConfigs"][0]["ipv4"] == {"address": f"{address}/24", "gateway": "10.20.0.1"}
    assert told["userAccount"] == {"keys": [PUBLIC_KEY], "username": "debian"}


def test_a_machine_with_data_is_protected(seen: Recorder) -> None:
    made = machines(seen)
    kept = {name.removeprefix(f"{STACK}-") for name, vm in made.items() if vm["protection"]}
    assert kept == {"database1", "drive1", "drive2"}
    assert [disk["size"] for disk in made[f"{STACK}-drive1"]["disks"]] == [40, 100]


def test_the_policy_pack_lets_the_whole_stack_through(seen: Recorder) -> None:
    assert refused(seen) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"endpoint": "http://pve.horsens.example:8006/"}, "https"),
        ({"gateway": "10.21.0.1"}, "not in the site's network"),
        ({"gateway": "10.20.0.11"}, "is the address of a host"),
        ({"nodes": []}, "at least 1 item"),
        ({"nodes": ["pve1", "pve1"]}, "has a node twice"),
        ({"image": {"url": "https://images.example/d.qcow2", "sha512": "a"}}, "sha512"),
        ({"vlan": 4095}, "vlan"),
    ],
)
def test_what_a_cluster_cannot_be_is_one_line(
    key: str, settings: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as refused:
        configured("proxmox", key, **settings)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("token", "said"), [("", "missing"), ("root@pam", "is not of a token's form")]
)
def test_credentials_that_are_missing_or_cannot_be_right_are_one_line(
    key: str, monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setenv("PROXMOX_VE_API_TOKEN", token)
    with pytest.raises(InputError) as refused:
        declared(configured("proxmox", key))
    assert said in str(refused.value)


def test_the_token_reaches_the_engine_as_a_secret(seen: Recorder) -> None:
    assert seen.registrations.secrets("proxmoxve") == {STACK: {"apiToken"}}


def test_a_newer_image_is_for_machines_to_come(seen: Recorder) -> None:
    ignored = seen.registrations.ignored(f"VmLegacy:{STACK}-database1")
    assert ignored == {"initialization", "disks[0].importFrom", "nodeName"}


def test_the_cluster_is_the_one_that_the_stack_names(seen: Recorder) -> None:
    (provider,) = [a for a in seen.declared if a.typ.startswith("pulumi:pr")]
    assert provider.inputs["endpoint"] == "https://pve.horsens.example:8006/"
