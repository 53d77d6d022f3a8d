"""A stack on Hetzner, brought up by Pulumi's own engine on the double of the API.

With the plugin that Hetzner's users have, where it is installed, and with a stand-in for it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from klokken import workspace
from klokken.paths import PROJECT, site_folder
from tests.clouds import PUBLIC_KEY, TOKEN, configured
from tests.doubles.hetzner.api import Api
from tests.doubles.hetzner.project import Project
from tests.doubles.hetzner.server import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

STACK = "test-hetzner"
PLUGIN = "pulumi-resource-hcloud"
POLICY = str(PROJECT / "policy")
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

    def orders(self) -> int:
        """Return how often the API was asked to make or do something."""
        return sum(method == "POST" for method, _ in self.api.asked)

    def names(self, kind: str) -> list[str]:
        """Return the names of what there is of a kind."""
        return sorted(each["name"] for each in self.api.project.all(kind))


@pytest.fixture(params=["stand-in", "real plugin"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    environment = os.environ | workspace.environment()
    real = shutil.which(PLUGIN, path=environment["PATH"])
    if request.param == "real plugin" and not real:
        pytest.skip(f"not run: {PLUGIN} is not on this machine's PATH")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    if request.param == "stand-in":
        start = f'#!/bin/sh\nexec {sys.executable} -m tests.doubles.plugin "$@"\n'
        _executable(bin_folder / PLUGIN, start)
    else:
        (bin_folder / PLUGIN).symlink_to(str(real))
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
    names = ["database1", "drive1", "edge1", "edge2", "identity1", "loadgen1", "metrics1"]
    assert engine.names("servers") == [f"{STACK}-{name}" for name in names]
    assert all(each["status"] == "running" for each in engine.api.project.all("servers"))
    (volume,) = engine.api.project.all("volumes")
    assert volume["server"] is not None
    assert len((site_folder(STACK) / "known_hosts").read_text().splitlines()) == len(names)
    front = json.loads(engine.run("stack", "output", "front", "--json").stdout)
    assert {each["ip"] for each in engine.api.project.all("primary_ips")} < set(front)

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


def test_what_fails_in_the_middle_keeps_what_is_there_and_buys_nothing_twice(
    engine: Engine,
) -> None:
    switches = engine.api.project.switches
    switches.quota["servers"] = 3
    assert "resource_limit_exceeded" in engine.up()
    before = {each["id"] for each in engine.api.project.all("servers")}
    assert len(before) == 3
    switches.quota.clear()
    switches.lost["POST", "/servers"] = 1
    assert "server_error" in engine.up()
    # Its name is taken, and that of an edge has the address as well.
    again = engine.up()
    assert "uniqueness_error" in again or "resource_in_use" in again
    assert before < {each["id"] for each in engine.api.project.all("servers")}
    assert len(engine.names("servers")) == len(set(engine.names("servers"))) <= 7


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
