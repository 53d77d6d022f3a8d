"""What is the same of a site on every cloud, by Pulumi's own mocks: nothing is bought."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klokken.clouds.settings import WITH_DATA, Purpose
from klokken.errors import InputError
from klokken.inventory import Inventory
from klokken.stackconfig import CREDENTIALS, StackConfig
from klokken.topology import Tier
from tests.clouds import (
    KINDS,
    SECRET_NAMES,
    STACK,
    Recorder,
    configured,
    refused,
)
from tests.clouds import declared as declare

# What Pulumi itself must not delete: database and drives, and what data or DNS is on.
PROTECTED = {
    "hetzner": {
        *("Server:horsens-database1", "Server:horsens-drive1", "Server:horsens-drive2"),
        *("Volume:horsens-drive1", "Volume:horsens-drive2"),
    },
    "openstack": {
        *("Instance:horsens-database1", "Instance:horsens-drive1", "Instance:horsens-drive2"),
        *("Volume:horsens-drive1", "Volume:horsens-drive2", "FloatingIp:horsens-edge1"),
    },
    "proxmox": {f"VmLegacy:horsens-{name}" for name in ("database1", "drive1", "drive2")},
}
MACHINES = {"hetzner": "Server", "openstack": "Instance", "proxmox": "VmLegacy"}
TIERS = st.fixed_dictionaries(
    {tier.value: st.fixed_dictionaries({"count": st.integers(1, 3)}) for tier in Tier},
)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def config(key: str, kind: str) -> StackConfig:
    return configured(kind, key)


@pytest.fixture(scope="module")
def seen(config: StackConfig) -> Recorder:
    return declare(config)


def machines(kind: str, seen: Recorder) -> dict[str, dict[str, Any]]:
    return {
        a.name: a.inputs
        for a in seen.declared
        if a.typ.endswith(f":{MACHINES[kind]}") and not a.typ.startswith("klokken:")
    }


@pytest.mark.heavy
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tiers=TIERS, volume=st.sampled_from([0, 50]), purpose=st.sampled_from(list(Purpose)))
def test_whatever_the_topology_its_hosts_are_apart_kept_and_let_through(
    key: str, kind: str, tiers: Any, volume: int, purpose: Purpose
) -> None:
    tiers["drive"]["volume_gb"] = volume
    config = configured(kind, key, tiers, purpose=purpose.value)
    seen = declare(config)
    made = machines(kind, seen)
    plans = {f"{STACK}-{plan.name}": plan for plan in config.site.hosts()}
    assert set(made) == set(plans)
    assert all(inputs["name"] == name for name, inputs in made.items())
    assert refused(seen) == []
    kept = {name for name in made if f"{MACHINES[kind]}:{name}" in seen.registrations.protected()}
    with_data = {name for name, plan in plans.items() if plan.tier in WITH_DATA}
    assert kept == (with_data if purpose is Purpose.SCHOOL else set())
    for tier in Tier:
        places = [place(kind, made[name]) for name, plan in plans.items() if plan.tier is tier]
        # A group keeps its hosts apart; nodes are apart already.
        assert len(set(places)) == (len(places) if kind == "proxmox" else 1)


def place(kind: str, machine: dict[str, Any]) -> str:
    """Return the group that a host is in, or the node that it is on."""
    match kind:
        case "hetzner":
            return str(machine["placementGroupId"])
        case "openstack":
            return str(machine["schedulerHints"][0]["group"])
        case _:
            return str(machine["nodeName"])


def test_the_inventory_is_one_that_the_roles_accept(config: StackConfig, seen: Recorder) -> None:
    (file,) = seen.of("InventoryFile").values()
    inventory = Inventory.model_validate(yaml.safe_load(file["content"]))
    planned = {name: str(address) for name, address in config.site.addresses().items()}
    assert {n: str(h.site_address) for n, h in inventory.hosts().items()} == planned
    ways = [host.ansible_host for host in inventory.hosts().values()]
    assert len(set(ways)) == len(ways)
    assert [str(network) for network in inventory.site.site_management] == ["192.0.2.0/24"]
    assert "StrictHostKeyChecking=yes" in inventory.site.ansible_ssh_common_args


def test_a_drive_finds_the_disk_of_its_data(seen: Recorder) -> None:
    (file,) = seen.of("InventoryFile").values()
    drives = yaml.safe_load(file["content"])["all"]["children"]["drive"]["hosts"]
    assert all(host["volume_device"].startswith("/dev/") for host in drives.values())


def test_no_secret_is_in_what_a_cloud_is_told(seen: Recorder) -> None:
    told = [a for a in seen.declared if not a.typ.startswith("pulumi-python:dynamic")]
    assert not [a.name for a in told if any(f"secret {n}" in str(a.inputs) for n in SECRET_NAMES)]


def test_what_holds_data_is_protected(kind: str, seen: Recorder) -> None:
    assert seen.registrations.protected() == PROTECTED[kind]


def test_of_a_test_nothing_is_protected(key: str, kind: str) -> None:
    seen = declare(configured(kind, key, purpose="test"))
    assert seen.registrations.protected() == set()
    assert refused(seen) == []


@pytest.mark.parametrize("key", CREDENTIALS)
def test_a_credential_in_clear_is_refused_and_not_said(key: str) -> None:
    with pytest.raises(InputError) as refused:
        StackConfig.parse({key: "hush"}, "a test")
    assert str(refused.value).startswith(f"a test: {key}: in clear; change it")
    assert "hush" not in str(refused.value)


def test_a_credential_that_is_encrypted_passes() -> None:
    with pytest.raises(InputError, match="substrate: missing"):
        StackConfig.parse({"hcloud:token": {"secure": "v1:"}}, "a test")


def test_secrets_reach_the_engine_as_secrets(seen: Recorder) -> None:
    runs = seen.registrations.secrets("AnsibleRun")
    assert set(runs) == {f"{STACK}-{tier}" for tier in Tier}
    assert all("secrets" in names for names in runs.values())


def test_the_first_contact_waits_for_machines_in_their_network_with_their_disks(
    kind: str, seen: Recorder
) -> None:
    needed = seen.registrations.needs(f"Contact:{STACK}-contact")
    assert {f"{MACHINES[kind]}:{name}" for name in machines(kind, seen)} <= needed
    ties = {
        "hetzner": {"ServerNetwork:horsens-drive1", "VolumeAttachment:horsens-drive1"},
        "openstack": {"FloatingIpAssociate:horsens-drive1", "VolumeAttach:horsens-drive1"},
        "proxmox": set(),
    }
    assert ties[kind] <= needed


def test_ansible_begins_when_every_host_has_been_met(kind: str, seen: Recorder) -> None:
    contact = seen.place("Contact", f"{STACK}-contact")
    first = min(seen.place("AnsibleRun", f"{STACK}-{tier}") for tier in Tier)
    last = max(seen.place(MACHINES[kind], name) for name in machines(kind, seen))
    assert last < contact < first


def test_a_run_knows_the_machines_it_configures(seen: Recorder) -> None:
    (contact,) = seen.of("Contact").values()
    runs = seen.of("AnsibleRun")
    known = {n: i for run in runs.values() for n, i in run["instances"].items()}
    assert known == contact["machines"]
