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
    from collections.abc import Iterator

    from klokken.stackconfig import StackConfig

MACHINES = {"hetzner": "Server", "openstack": "Instance", "proxmox": "VmLegacy"}
TIERS = st.fixed_dictionaries(
    {tier.value: st.fixed_dictionaries({"count": st.integers(1, 5)}) for tier in Tier},
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("ssh")
    (folder / "id.pub").write_text(PUBLIC_KEY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HCLOUD_TOKEN", TOKEN)
        patch.setenv("PROXMOX_VE_API_TOKEN", f"klokken@pve!site={'0' * 36}")
        yield str(folder / "id")


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


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tiers=TIERS)
def test_a_topology_becomes_its_hosts_under_names_of_their_own(
    key: str, kind: str, tiers: Any
) -> None:
    config = configured(kind, key, tiers)
    made = machines(kind, declare(config))
    assert set(made) == {f"{STACK}-{plan.name}" for plan in config.site.hosts()}
    assert all(inputs["name"] == name for name, inputs in made.items())


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
    assert all(host["drive_volume_device"].startswith("/dev/") for host in drives.values())


def test_no_secret_is_in_what_a_cloud_is_told(seen: Recorder) -> None:
    told = [a for a in seen.declared if not a.typ.startswith("pulumi-python:dynamic")]
    assert not [a.name for a in told if any(f"secret {n}" in str(a.inputs) for n in SECRET_NAMES)]


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
