"""What is the same of a site on every cloud, by Pulumi's own mocks: nothing is bought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from klokken.inventory import Inventory
from klokken.topology import Tier
from tests.clouds import KINDS, PUBLIC_KEY, SECRET_NAMES, STACK, TOKEN, Recorder, configured
from tests.clouds import declared as declare

if TYPE_CHECKING:
    from pathlib import Path

MACHINES = {"hetzner": "Server", "openstack": "Instance", "proxmox": "VmLegacy"}
TIERS = st.fixed_dictionaries(
    {tier.value: st.fixed_dictionaries({"count": st.integers(1, 5)}) for tier in Tier},
)


@pytest.fixture
def key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HCLOUD_TOKEN", TOKEN)
    monkeypatch.setenv("PROXMOX_VE_API_TOKEN", f"klokken@pve!site={'0' * 36}")
    (tmp_path / "id.pub").write_text(PUBLIC_KEY)
    return str(tmp_path / "id")


def machines(kind: str, seen: Recorder) -> dict[str, dict[str, Any]]:
    component = {"hetzner": "hetzner", "openstack": "openstack", "proxmox": "proxmox"}[kind]
    return {
        a.name: a.inputs
        for a in seen.declared
        if a.typ.endswith(f":{MACHINES[kind]}") and not a.typ.startswith(f"klokken:{component}")
    }


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tiers=TIERS)
def test_a_topology_becomes_its_hosts_under_names_of_their_own(
    key: str, kind: str, tiers: Any
) -> None:
    config = configured(kind, key, tiers)
    made = machines(kind, declare(config))
    assert set(made) == {f"{STACK}-{plan.name}" for plan in config.site.hosts()}
    assert all(inputs["name"] == name for name, inputs in made.items())


@pytest.mark.parametrize("kind", KINDS)
def test_the_inventory_is_one_that_the_roles_accept(key: str, kind: str) -> None:
    config = configured(kind, key)
    (file,) = declare(config).of("InventoryFile").values()
    inventory = Inventory.model_validate(yaml.safe_load(file["content"]))
    planned = {name: str(address) for name, address in config.site.addresses().items()}
    assert {n: str(h.site_address) for n, h in inventory.hosts().items()} == planned
    ways = [host.ansible_host for host in inventory.hosts().values()]
    assert len(set(ways)) == len(ways)
    assert [str(network) for network in inventory.site.site_management] == ["192.0.2.0/24"]
    assert "StrictHostKeyChecking=yes" in inventory.site.ansible_ssh_common_args


@pytest.mark.parametrize("kind", KINDS)
def test_a_drive_finds_the_disk_of_its_data(key: str, kind: str) -> None:
    (file,) = declare(configured(kind, key)).of("InventoryFile").values()
    drives = yaml.safe_load(file["content"])["all"]["children"]["drive"]["hosts"]
    assert all(host["drive_volume_device"].startswith("/dev/") for host in drives.values())


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_what_a_cloud_is_told(key: str, kind: str) -> None:
    seen = declare(configured(kind, key))
    told = [a for a in seen.declared if not a.typ.startswith("pulumi-python:dynamic")]
    assert not [a.name for a in told if any(f"secret {n}" in str(a.inputs) for n in SECRET_NAMES)]


@pytest.mark.parametrize("kind", KINDS)
def test_ansible_begins_when_every_host_has_been_met(key: str, kind: str) -> None:
    seen = declare(configured(kind, key))
    contact = seen.place("Contact", f"{STACK}-contact")
    first = min(seen.place("AnsibleRun", f"{STACK}-{tier}") for tier in Tier)
    last = max(seen.place(MACHINES[kind], name) for name in machines(kind, seen))
    assert last < contact < first


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_knows_the_machines_it_configures(key: str, kind: str) -> None:
    seen = declare(configured(kind, key))
    (contact,) = seen.of("Contact").values()
    runs = seen.of("AnsibleRun")
    known = {n: i for run in runs.values() for n, i in run["instances"].items()}
    assert known == contact["machines"]
