"""The Pulumi program, run against Pulumi's own mocks: nothing is made."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
import yaml

from klokken import roles
from klokken.paths import PROJECT
from klokken.roles import roles_of
from klokken.stackconfig import StackConfig
from klokken.topology import Tier
from stacks.ansible import sources
from stacks.ansible.sources import digest
from stacks.site import SECRETS, Site, secrets_of
from stacks.substrate import stand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET_NAMES = sorted({name for names in SECRETS.values() for name in names} | {"ca_certificate"})


class Recorder(pulumi.runtime.Mocks):
    """Answers for the engine and keeps what was declared."""

    def __init__(self) -> None:
        self.declared: list[pulumi.runtime.MockResourceArgs] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        self.declared.append(args)
        outputs = {**args.inputs}
        if args.typ.endswith(":LabHost"):
            outputs["instance"] = f"data-of-{args.name}"
        return args.name, outputs

    def call(
        self, _args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        return {a.name: a.inputs for a in self.declared if a.typ.endswith(f":{kind}")}


@pytest.fixture
def config() -> StackConfig:
    return configured()


def configured(**tiers: Any) -> StackConfig:
    site = {"domain": "skole.test", "network": "198.18.5.0/24", "accounts": 10, "tiers": tiers}
    return StackConfig.parse({"klokken:substrate": "lab", "klokken:site": site}, "a test")


@pytest.fixture
def engine() -> Iterator[Recorder]:
    recorder = Recorder()
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        pulumi.runtime.set_mocks(recorder, project="klokken", stack="lab")
        yield recorder


def declare(engine: Recorder, config: StackConfig) -> Recorder:
    @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi leaves it untyped
    def program() -> None:
        names = [*SECRET_NAMES, "dns_key"]
        secrets = pulumi.Output.secret({name: f"secret {name}" for name in names})
        Site("lab", config, stand("lab", config), secrets)

    program()
    return engine


def test_a_topology_becomes_one_host_resource_a_host(engine: Recorder) -> None:
    hosts = declare(engine, configured(identity={"count": 2})).of("LabHost")
    assert set(hosts) == {f"{tier}1" for tier in Tier} | {"identity2"}
    assert hosts["identity2"]["address"] == "198.18.5.32"


def test_the_load_generator_goes_first_when_the_cpu_is_scarce(
    engine: Recorder, config: StackConfig
) -> None:
    hosts = declare(engine, config).of("LabHost")
    weights = {name: host["weight"] for name, host in hosts.items()}
    assert weights.pop("loadgen1") > max(weights.values())


def test_every_tier_is_configured_by_one_run(engine: Recorder, config: StackConfig) -> None:
    runs = declare(engine, config).of("AnsibleRun")
    assert {run["tier"] for run in runs.values()} == {tier.value for tier in Tier}


def test_a_run_knows_the_data_of_the_hosts_it_configures(
    engine: Recorder, config: StackConfig
) -> None:
    runs = declare(engine, config).of("AnsibleRun")
    assert runs["lab-edge"]["instances"] == {"edge1": "data-of-edge1"}


def test_a_tier_gets_no_more_secrets_than_it_needs(engine: Recorder, config: StackConfig) -> None:
    runs = declare(engine, config).of("AnsibleRun")
    assert "site_secret_pupils" not in str(runs["lab-edge"]["secrets"])
    assert "site_secret_ca_key" not in str(runs["lab-identity"]["secrets"])
    assert "site_secret_pupils" in str(runs["lab-loadgen"]["secrets"])


def test_the_key_of_the_name_server_is_for_an_edge_that_asks_it(engine: Recorder) -> None:
    dns = {"server": "192.0.2.53", "zone": "skole.test", "key_name": "klokken"}
    acme = {"directory": "https://acme.test/dir", "challenge": "dns-01", "dns": dns}
    by_dns = configured(edge={"variables": {"certificate_acme": acme}})
    runs = declare(engine, by_dns).of("AnsibleRun")
    assert [name for name, run in runs.items() if "dns_key" in str(run["secrets"])] == ["lab-edge"]
    runs = declare(engine, configured()).of("AnsibleRun")
    assert "dns_key" not in str(runs["lab-edge"]["secrets"])


@pytest.mark.parametrize("dns_key", [None, "of the name server"])
def test_it_is_a_secret_beside_those_that_klokken_made(dns_key: str | None) -> None:
    told = {"klokken:secrets": '{"ca_key": "made"}'}
    told |= {"klokken:dns_key": dns_key} if dns_key else {}

    @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi leaves it untyped
    def program() -> pulumi.Output[None]:
        pulumi.runtime.set_all_config(told, list(told))
        secrets = secrets_of(pulumi.Config("klokken"))

        def look(both: Any) -> None:
            expected = {"ca_key": "made", **({"dns_key": dns_key} if dns_key else {})}
            assert both == [expected, True]

        return pulumi.Output.all(pulumi.Output.unsecret(secrets), secrets.is_secret()).apply(look)

    program()


def test_a_variable_of_one_tier_changes_no_other_tier(engine: Recorder) -> None:
    declare(engine, configured())
    before = {name: run["inventory"] for name, run in engine.of("AnsibleRun").items()}
    declare(engine, configured(edge={"variables": {"edge_identity_maxconn": 4}}))
    after = {name: run["inventory"] for name, run in engine.of("AnsibleRun").items()}
    assert {name for name in before if before[name] != after[name]} == {"lab-edge"}


def test_a_variable_of_one_host_changes_its_own_tier_only(engine: Recorder) -> None:
    declare(engine, configured(drive={"count": 2}))
    before = {name: run["inventory"] for name, run in engine.of("AnsibleRun").items()}
    hosts = {"drive2": {"drive_directory": "embedded"}}
    declare(engine, configured(drive={"count": 2, "hosts": hosts}))
    after = {name: run["inventory"] for name, run in engine.of("AnsibleRun").items()}
    assert {name for name in before if before[name] != after[name]} == {"lab-drive"}
    groups = yaml.safe_load(after["lab-drive"])["all"]["children"]
    assert groups["drive"]["hosts"]["drive2"]["drive_directory"] == "embedded"


def test_the_gate_opens_for_the_hosts_of_the_tier_alone(
    engine: Recorder, config: StackConfig
) -> None:
    run = declare(engine, config).of("AnsibleRun")["lab-loadgen"]
    assert run["gate"]["addresses"] == ["198.18.5.111"]


def test_the_inventory_file_holds_every_host(engine: Recorder, config: StackConfig) -> None:
    (file,) = declare(engine, config).of("InventoryFile").values()
    groups = yaml.safe_load(file["content"])["all"]["children"]
    assert [group for group in groups if not groups[group]["hosts"]] == []


def test_every_role_of_site_yml_exists_and_is_used() -> None:
    used = {role for tier in Tier for role in roles_of(tier)}
    folders = {path.name for path in (PROJECT / "roles").iterdir() if path.is_dir()}
    assert used == folders


@pytest.mark.parametrize("tier", list(Tier))
def test_the_hash_of_a_tier_is_stable(tier: Tier) -> None:
    assert digest(tier) == digest(tier)


def test_tasks_are_counted_in_blocks_and_in_the_files_that_others_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks = tmp_path / "roles/only/tasks"
    tasks.mkdir(parents=True)
    (tmp_path / "site.yml").write_text("[{hosts: edge, roles: [{role: only}]}]")
    (tasks / "main.yml").write_text(
        "[{block: [{debug: a}, {debug: b}]}, {ansible.builtin.import_tasks: more.yml}]"
    )
    (tasks / "more.yml").write_text("[{debug: c}, {debug: d}, {debug: e}]")
    monkeypatch.setattr(sources, "PROJECT", tmp_path)
    monkeypatch.setattr(roles, "SITE", tmp_path / "site.yml")
    # The role's check of its own variables is one more.
    assert sources.tasks_of(Tier.EDGE) == 6
