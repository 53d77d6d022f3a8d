"""Hosts that exist, adopted: what the Pulumi program declares of them, and nothing made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
import yaml

from klokken import paths
from klokken.inventory import Inventory
from klokken.stackconfig import StackConfig
from klokken.topology import Tier
from stacks.servers import resource
from stacks.servers.resource import AdoptionProvider
from stacks.site import Site
from stacks.substrate import stand
from tests.registrations import Registrations, watch
from tests.stacks.test_site import SECRET_NAMES, Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STACK = "kommune"
ADDRESSES = {f"{tier}1": f"10.20.0.{number}" for number, tier in enumerate(Tier, 11)}


class Adopting(Recorder):
    """Answers as hosts that all have what they need."""

    registrations: Registrations

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        name, outputs = super().new_resource(args)
        if args.typ.endswith(":ServerAdoption"):
            outputs["instances"] = {host: f"machine-of-{host}" for host in args.inputs["own"]}
        return name, outputs


@pytest.fixture
def config() -> StackConfig:
    site = {"domain": "skole.example", "network": "10.20.0.0/27", "accounts": 10}
    return StackConfig.parse({"klokken:substrate": "servers", "klokken:site": site}, "a test")


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """List one server a tier, reached by a user who is not root."""
    monkeypatch.setattr(paths, "PROJECT", tmp_path)
    content: dict[str, Any] = {
        "ssh": {"user": "klokken", "key": "/keys/klokken"},
        "management": ["10.9.0.0/24"],
        "hosts": {name: {"address": address} for name, address in ADDRESSES.items()},
    }
    folder = tmp_path / "inventories" / STACK
    folder.mkdir(parents=True)
    (folder / "hosts.yml").write_text(yaml.safe_dump(content))
    return content


@pytest.fixture
def engine() -> Iterator[Adopting]:
    recorder = Adopting()
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        pulumi.runtime.set_mocks(recorder, project="klokken", stack=STACK)
        recorder.registrations = watch()
        yield recorder


@pytest.fixture
def declared(engine: Adopting, config: StackConfig, listed: dict[str, Any]) -> Adopting:
    assert listed

    @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi leaves it untyped
    def program() -> None:
        secrets = pulumi.Output.secret({name: f"secret {name}" for name in SECRET_NAMES})
        Site(STACK, config, stand(STACK, config), secrets)

    program()
    return engine


def test_no_host_is_made(declared: Adopting) -> None:
    kinds = {args.typ.rpartition(":")[2] for args in declared.declared}
    assert kinds == {"ServerAdoption", "Site", "InventoryFile", "AnsibleRun"}


def test_ansible_waits_until_the_hosts_are_looked_at(declared: Adopting) -> None:
    runs = declared.of("AnsibleRun")
    assert len(runs) == len(Tier)
    assert runs[f"{STACK}-edge"]["instances"] == {"edge1": "machine-of-edge1"}


def test_no_gate_of_a_lab_is_opened(declared: Adopting) -> None:
    assert not any(run.get("gate") for run in declared.of("AnsibleRun").values())


def test_the_inventory_is_one_that_the_roles_and_checks_read(declared: Adopting) -> None:
    (file,) = declared.of("InventoryFile").values()
    found = Inventory.model_validate(yaml.safe_load(file["content"]))
    assert {name: str(host.site_address) for name, host in found.hosts().items()} == ADDRESSES
    assert {host.ansible_user for host in found.hosts().values()} == {"klokken"}
    assert all(host.model_extra == {"ansible_become": True} for host in found.hosts().values())
    assert [str(network) for network in found.site.site_management] == ["10.9.0.0/24"]


def test_no_secret_is_in_plain_inputs(declared: Adopting) -> None:
    plain = [
        {name: value for name, value in args.inputs.items() if name != "secrets"}
        for args in declared.declared
    ]
    assert "secret " not in str(plain)


def test_secrets_reach_the_engine_as_secrets(declared: Adopting) -> None:
    runs = declared.registrations.secrets("AnsibleRun")
    assert len(runs) == len(Tier)
    assert all("secrets" in names for names in runs.values())


PROPS: dict[str, Any] = {"stack": STACK, "own": {}, "shared": {}, "state": "up", "instances": None}


def test_hosts_that_have_not_changed_are_not_looked_at_again() -> None:
    adopted = {**PROPS, "instances": {"edge1": "a1"}}
    assert AdoptionProvider().diff("it", adopted, PROPS).changes is False


@pytest.mark.parametrize(("now", "state"), [({"edge1": "a1"}, "up"), ({"edge1": ""}, "down")])
def test_a_host_that_is_gone_or_another_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, now: dict[str, str], state: str
) -> None:
    monkeypatch.setattr(resource, "_machines", lambda _props: now)
    adopted = {**PROPS, "instances": {"edge1": "a1"}}
    found = AdoptionProvider().read("it", adopted)
    assert found.outs is not None
    assert found.outs["state"] == state
    assert AdoptionProvider().diff("it", found.outs, PROPS).changes is (state == "down")


def test_letting_hosts_go_touches_none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subprocess.run", None)
    AdoptionProvider().delete("it", PROPS)
