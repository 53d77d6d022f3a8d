"""A stack on Hetzner becomes a platform that pupils log in at: API and plugin are doubles.

Every server that the double sells is a real host, every volume a real disk: tests/lab/cloud.py.
The tests stand in the order in which a kommune does these things.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest

from klokken.errors import Exit
from klokken.paths import site_folder
from klokken.stackconfig import config_path
from klokken.topology import Tier
from tests.doubles.hetzner.api import TOKEN_LENGTH, Api
from tests.doubles.hetzner.project import Project
from tests.doubles.hetzner.server import serving
from tests.doubles.plugin.program import install
from tests.lab import machine
from tests.lab.bare import make_key
from tests.lab.cloud import ADDRESSES, CLOUD, GATEWAY, Cloud
from tests.lab.laboratory import tiers_run
from tests.lab.stack import BRIEF_WARM_UP, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.timeout(1800),
    # The hosts live on when who started them has forgotten it, as hosts of a lab do.
    pytest.mark.filterwarnings(r"ignore:subprocess \d+ is still running:ResourceWarning"),
]
STACK = "leased"
TOKEN = "t" * TOKEN_LENGTH
ALL_TIERS = {tier.value for tier in Tier}
SITE: dict[str, Any] = {
    "domain": "skole.test",
    "network": "10.20.0.0/24",
    "accounts": 60,
    "tiers": {
        "drive": {"volume_gb": 10, "variables": {"drive_source": "module"}},
        "identity": {"variables": BRIEF_WARM_UP},
    },
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """A cloud whose servers reach their package sources, as Hetzner's do."""
    assert os.geteuid() == 0, "the servers are containers of this machine: run the tests as root"
    Cloud().close()
    before = machine.state(CLOUD)
    found = Cloud()
    try:
        found.open()
        with found.bare.network.gate(ADDRESSES):
            yield found
    finally:
        found.close()
        assert machine.state(CLOUD) == before


@pytest.fixture(scope="module")
def project(cloud: Cloud) -> Project:
    return Project(machines=cloud)


@pytest.fixture(scope="module")
def stack(
    cloud: Cloud, project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """Write a stack's config, with the account's token in the environment."""
    plugins = tmp_path_factory.mktemp("plugins")
    install(plugins)
    key = cloud.bare.folder.path / "owner"
    make_key(key)
    with serving(Api(TOKEN, project)) as url:
        path = f"{plugins}:{os.environ['PATH']}"
        found = Stack(STACK, {"HCLOUD_ENDPOINT": url, "HCLOUD_TOKEN": TOKEN, "PATH": path})
        substrate = {
            "kind": "hetzner",
            "owner": "kommune",
            "purpose": "test",
            "ssh_key": str(key),
            "management": [f"{GATEWAY}/32"],
            "location": "fsn1",
            "type": "cpx22",
        }
        try:
            found.configure(substrate=substrate, storms=True, site=SITE)
            assert found.klokken("init", STACK).returncode == 0
            # What a run that was killed has left in Pulumi's state.
            found.klokken("down", STACK)
            yield found
        finally:
            found.klokken("down", STACK)
            config_path(STACK).unlink(missing_ok=True)


def ordered(project: Project) -> set[int]:
    """Return the ids of all that there is at the cloud."""
    return {number for table in project.tables.values() for number in table}


@pytest.fixture(scope="module")
def log(stack: Stack) -> str:
    """Order everything, and see that it is as it shall be."""
    return stack.up_and_checked()


def test_servers_that_were_ordered_become_a_site_that_passes_every_check(
    log: str, project: Project, cloud: Cloud
) -> None:
    assert tiers_run(log) == ALL_TIERS
    servers = project.all("servers")
    assert {each["name"] for each in servers} == {f"{STACK}-{tier}1" for tier in ALL_TIERS}
    assert {each["name"] for each in servers} == cloud.running()


@pytest.mark.usefixtures("log")
def test_a_second_up_orders_nothing_and_does_nothing(stack: Stack, project: Project) -> None:
    before = ordered(project)
    assert tiers_run(stack.up()) == set()
    assert ordered(project) == before


@pytest.mark.usefixtures("log")
def test_pupils_arrive_at_the_fixed_address_and_a_database_is_at_no_public_one(
    project: Project,
) -> None:
    (fixed,) = [each["ip"] for each in project.all("primary_ips") if each["type"] == "ipv4"]
    socket.create_connection((fixed, 443), timeout=5).close()
    databases = [each for each in project.all("servers") if "database" in each["name"]]
    (address,) = [each["public_net"]["ipv4"]["ip"] for each in databases]
    with pytest.raises(OSError, match=r"timed out|refused"):
        socket.create_connection((address, 5432), timeout=2)


@pytest.mark.usefixtures("log")
def test_pupils_log_in_at_the_platform(stack: Stack) -> None:
    window = ("--from", "08:00:00", "--until", "08:00:20")
    done = stack.klokken("storm", "minute", "--stack", STACK, "--fraction", "0.1", *window)
    # A machine that others use too may make the generator late; that is no failed login.
    assert done.returncode in {Exit.PASS, Exit.INVALID}, done.stdout


@pytest.mark.usefixtures("log")
def test_down_gives_everything_back(stack: Stack, project: Project, cloud: Cloud) -> None:
    assert stack.klokken("down", STACK).returncode == 0
    assert ordered(project) == set()
    assert machine.state(CLOUD)["containers"] == []
    assert list(cloud.bare.folder.hosts.iterdir()) == []
    assert not site_folder(STACK).exists()
