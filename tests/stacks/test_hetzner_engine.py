"""A stack on Hetzner, brought up by Pulumi's own engine on the double of the API.

With the plugin that Hetzner's users have, where it is installed, and with a stand-in for it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken import workspace
from klokken.clouds.doctor import SERVER
from klokken.clouds.refusals import refusals
from klokken.paths import PROJECT, site_folder
from tests.clouds import PUBLIC_KEY, TOKEN, configured
from tests.doubles.hetzner.api import Api
from tests.doubles.hetzner.project import Project
from tests.doubles.hetzner.server import serving
from tests.doubles.plugin.program import NAME, install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.heavy

STACK = "test-hetzner"
POLICY = str(PROJECT / "policy")
NAMES = ["database1", "drive1", "edge1", "edge2", "identity1", "loadgen1", "metrics1"]
# The hosts alone: configuring them is tested where they are real.
PROGRAM = """
import os
import pulumi
import yaml
from klokken.stackconfig import StackConfig
from stacks.substrate import stand

with open(os.environ["TEST_CONFIG"]) as file:
    config = StackConfig.parse(yaml.safe_load(file), "a test")
hosts = stand(pulumi.get_stack(), config)
pulumi.export("own", hosts.own)
"""
# Debian's ssh-keyscan would wait for hosts that are not there.
KEYSCAN = """#!/bin/sh
for address; do :; done
echo "$address ssh-ed25519 AAAA"
"""


@dataclass
class Engine:
    """Pulumi in a folder of its own, and the API that its stack talks to."""

    folder: Path
    api: Api
    environment: dict[str, str]

    def configure(self, **settings: Any) -> None:
        """Write the stack's config."""
        tiers = settings.pop("tiers", {"drive": {"volume_gb": 50}, "edge": {"count": 2}})
        config = configured("hetzner", str(self.folder / "id"), tiers, **settings)
        plain = config.model_dump(mode="json", exclude_none=True)
        named = {f"klokken:{key}": value for key, value in plain.items()}
        (self.folder / "config.yaml").write_text(yaml.safe_dump(named))

    def run(self, verb: str, *options: str) -> subprocess.CompletedProcess[str]:
        """Run Pulumi to its end."""
        argv = ["pulumi", verb, "--stack", STACK, "--non-interactive", *options]
        return subprocess.run(
            argv, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )

    def up(self) -> str:
        """Bring the stack up; return what Pulumi says, whether it did well or not."""
        done = self.run("up", "--yes", "--skip-preview")
        return done.stdout + done.stderr

    def refusals(self) -> list[str]:
        """Bring the stack up; return the lines that `klokken up` would make of what was refused."""
        log = self.folder / "events"
        log.unlink(missing_ok=True)
        self.run("up", "--yes", "--skip-preview", "--refresh", "--event-log", str(log))
        return refusals(log)

    def orders(self) -> int:
        """Return how often the API was asked to make or do something."""
        return sum(method == "POST" for method, _ in self.api.asked)

    def names(self, kind: str) -> list[str]:
        """Return the names of what there is of a kind."""
        return sorted(each["name"] for each in self.api.project.all(kind))


@pytest.fixture(params=["stand-in", "real plugin"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    environment = os.environ | workspace.environment()
    real = shutil.which(NAME, path=environment["PATH"])
    if request.param == "real plugin" and not real:
        pytest.skip(f"not run: {NAME} is not on this machine's PATH")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    if request.param == "stand-in":
        install(bin_folder)
    else:
        (bin_folder / NAME).symlink_to(str(real))
    _executable(bin_folder / "ssh-keyscan", KEYSCAN)
    (tmp_path / "id.pub").write_text(PUBLIC_KEY)
    (tmp_path / "__main__.py").write_text(PROGRAM)
    plugins = {
        "providers": [{"name": "hcloud", "path": str(bin_folder)}],
        "analyzers": [{"name": "policy-klokken", "path": f"{POLICY}/bin"}],
    }
    project = {"name": "klokken", "runtime": "python", "plugins": plugins}
    (tmp_path / "Pulumi.yaml").write_text(yaml.safe_dump(project))
    api = Api(TOKEN, Project())
    with serving(api) as url:
        state = tmp_path / "state"
        state.mkdir()
        environment |= {
            "HCLOUD_ENDPOINT": url,
            "HCLOUD_TOKEN": TOKEN,
            "HCLOUD_POLL_INTERVAL": "50ms",
            "PATH": f"{bin_folder}:{environment['PATH']}",
            "PULUMI_BACKEND_URL": f"file://{state}",
            "PULUMI_CONFIG_PASSPHRASE": "a test's",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_HOME": str(tmp_path / "home"),
            "PYTHONPATH": str(PROJECT),
            "TEST_CONFIG": str(tmp_path / "config.yaml"),
        }
        found = Engine(tmp_path, api, environment)
        found.configure(purpose="test")
        made = found.run("stack", "init")
        assert made.returncode == 0, made.stderr
        yield found
    shutil.rmtree(site_folder(STACK), ignore_errors=True)


def _executable(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def test_a_stack_comes_up_once_keeps_its_data_and_goes_without_a_trace(engine: Engine) -> None:
    previewed = engine.run("preview", "--policy-pack", POLICY)
    assert previewed.returncode == 0, previewed.stdout + previewed.stderr
    assert engine.orders() == 0

    engine.configure(purpose="school")
    engine.up()
    assert engine.names("servers") == [f"{STACK}-{name}" for name in NAMES]
    assert all(each["status"] == "running" for each in engine.api.project.all("servers"))
    (volume,) = engine.api.project.all("volumes")
    assert volume["server"] is not None
    assert len((site_folder(STACK) / "known_hosts").read_text().splitlines()) == len(NAMES)
    front = json.loads(engine.run("stack", "output", "front", "--json").stdout)
    # Of an IPv6 network, the first address is the server's.
    fixed = [each["ip"].replace("/64", "1") for each in engine.api.project.all("primary_ips")]
    assert sorted(fixed) == sorted(front)

    # A new image or location is for servers to come.
    ordered = engine.orders()
    engine.configure(purpose="school", location="hel1")
    assert "unchanged" in engine.up()
    assert engine.orders() == ordered

    kept = engine.run("destroy", "--yes", "--skip-preview")
    assert kept.returncode != 0
    assert "protected" in kept.stdout + kept.stderr
    assert engine.names("volumes") == [f"{STACK}-drive1"]

    engine.configure(purpose="test")
    engine.up()
    gone = engine.run("destroy", "--yes", "--skip-preview", "--refresh")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not any(table for table in engine.api.project.tables.values())
    assert not site_folder(STACK).exists()


def test_a_balancer_stands_before_the_edges_when_they_are_in_the_network(engine: Engine) -> None:
    engine.configure(purpose="test", front="balancer")
    said = engine.up()
    (balancer,) = engine.api.project.all("load_balancers")
    assert len(balancer["targets"]) == 2, said
    assert {each["listen_port"] for each in balancer["services"]} == {80, 443}
    assert engine.names("primary_ips") == []


def test_a_quota_that_is_raised_lets_the_next_up_make_the_rest(engine: Engine) -> None:
    switches = engine.api.project.switches
    switches.quota["servers"] = 3
    (line,) = engine.refusals()
    assert line.endswith(
        "and 1 more: a quota of the account is reached; have it raised in the cloud's console, and"
        " `up` again makes the rest"
    )
    before = {each["id"] for each in engine.api.project.all("servers")}
    assert len(before) == 3
    # With a quota that was raised, the next `up` makes what is missing, and nothing else.
    switches.quota["servers"] = 6
    assert "resource_limit_exceeded" in engine.up()
    switches.quota.clear()
    engine.up()
    assert engine.names("servers") == [f"{STACK}-{name}" for name in NAMES]
    assert before < {each["id"] for each in engine.api.project.all("servers")}
    assert all(len(each["private_net"]) == 1 for each in engine.api.project.all("servers"))
    assert len((site_folder(STACK) / "known_hosts").read_text().splitlines()) == len(NAMES)
    ordered = engine.orders()
    assert "unchanged" in engine.up()
    assert engine.orders() == ordered


def test_a_token_that_is_refused_is_one_line(engine: Engine) -> None:
    engine.environment["HCLOUD_TOKEN"] = "w" * 64
    (line,) = engine.refusals()
    assert "the cloud refuses the credentials; give others" in line
    assert engine.orders() > 0
    assert not any(table for table in engine.api.project.tables.values())


def test_a_reply_that_is_lost_buys_nothing_twice(engine: Engine) -> None:
    engine.api.project.switches.lost["POST", "/servers"] = 1
    assert "server_error" in engine.up()
    # Its name is taken, and that of an edge has the address as well.
    again = engine.up()
    assert "uniqueness_error" in again or "resource_in_use" in again
    assert len(engine.names("servers")) == len(set(engine.names("servers"))) <= 7


def test_what_a_lost_reply_left_is_imported_as_the_docs_say(engine: Engine) -> None:
    engine.api.project.switches.lost["POST", "/servers"] = 1
    engine.up()
    state = json.loads(engine.run("stack", "export").stdout)["deployment"]["resources"]
    known = {each["id"] for each in state if each["type"] == SERVER}
    (lost,) = [each for each in engine.api.project.all("servers") if str(each["id"]) not in known]
    page = (PROJECT / "docs" / "clouds.md").read_text()
    (line,) = re.findall(r"^pulumi import (.*)$", page, re.MULTILINE)
    line = line.replace("horsens-drive3", lost["name"]).replace("ID", str(lost["id"]))
    given = line.replace(" --stack horsens", "").replace(":horsens:", f":{STACK}:").split()
    imported = engine.run("import", *given, "--yes", "--skip-preview")
    assert imported.returncode == 0, imported.stdout + imported.stderr
    engine.up()
    assert engine.names("servers") == [f"{STACK}-{name}" for name in NAMES]
    assert lost["id"] in {each["id"] for each in engine.api.project.all("servers")}
    assert "unchanged" in engine.up()


def test_an_action_that_fails_leaves_its_server_in_the_state_and_the_next_up_goes_on(
    engine: Engine,
) -> None:
    engine.api.project.switches.failing["create_server"] = 1
    (line,) = engine.refusals()
    assert line.startswith(f"{STACK}-")
    assert line.endswith(
        ": it was ordered, and did not become ready; `up` again goes on; `klokken check` says"
        " whether it runs, docs/clouds.md what if not"
    )
    again = engine.run("up", "--yes", "--skip-preview", "--refresh")
    assert again.returncode == 0, again.stdout + again.stderr
    servers = engine.api.project.all("servers")
    assert len(servers) == len(NAMES)
    # It never ran, and no second one was bought in its place.
    assert sorted(each["status"] for each in servers) == ["initializing", *["running"] * 6]
    gone = engine.run("destroy", "--yes", "--skip-preview")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert not any(table for table in engine.api.project.tables.values())


def test_a_host_key_that_changed_ends_the_up_until_somebody_has_looked(engine: Engine) -> None:
    engine.up()
    known = site_folder(STACK) / "known_hosts"
    before = known.read_text()
    _executable(engine.folder / "bin" / "ssh-keyscan", KEYSCAN.replace("AAAA", "AAAB"))
    refused = engine.run("up", "--yes", "--skip-preview", "--refresh")
    assert refused.returncode != 0
    assert "shows another SSH host key than the one that is known" in refused.stdout
    assert known.read_text() == before
    known.unlink()
    accepted = engine.run("up", "--yes", "--skip-preview", "--refresh")
    assert accepted.returncode == 0, accepted.stdout + accepted.stderr
    taken = before.replace("AAAA", "AAAB")
    assert sorted(known.read_text().splitlines()) == sorted(taken.splitlines())


def test_the_policy_pack_stops_a_stack_at_preview(engine: Engine) -> None:
    opened = PROGRAM + (
        "import pulumi_hcloud\n"
        'pulumi_hcloud.Firewall("hole", name="hole", rules=[{"direction": "in",'
        ' "protocol": "tcp", "port": "5432", "source_ips": ["0.0.0.0/0"]}])\n'
    )
    (engine.folder / "__main__.py").write_text(opened)
    said = engine.run("preview", "--policy-pack", POLICY)
    assert said.returncode != 0
    assert "5432 (a database) is open to everybody" in said.stdout
    assert "has no label `owner`" in said.stdout


def test_a_stack_of_sixty_hosts_is_previewed_with_every_rule(engine: Engine) -> None:
    """How long it takes stands in docs/clouds.md."""
    counts = {"edge": 4, "identity": 17, "database": 1, "metrics": 1, "loadgen": 1}
    tiers: dict[str, Any] = {tier: {"count": count} for tier, count in counts.items()}
    tiers["drive"] = {"count": 36, "volume_gb": 100}
    engine.configure(tiers=tiers, network="10.20.0.0/22")
    said = engine.run("preview", "--policy-pack", POLICY)
    assert said.returncode == 0, said.stdout + said.stderr
    assert said.stdout.count("hcloud:index:Server ") == 60
    assert engine.orders() == 0


def test_an_endpoint_that_only_the_environment_names_stops_a_stack_at_preview(
    engine: Engine,
) -> None:
    engine.environment["HCLOUD_ENDPOINT"] = "https://api.elsewhere.example/v1"
    said = engine.run("preview", "--policy-pack", POLICY)
    assert said.returncode != 0
    assert "is not Hetzner's API; remove HCLOUD_ENDPOINT" in said.stdout
