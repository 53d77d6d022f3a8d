"""A machine that cannot hold a lab is told so in one line, and nothing half-made stays."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from klokken import workspace
from klokken.errors import Exit
from klokken.paths import PROJECT
from klokken.stackconfig import config_path
from stacks.lab.network import LabNetwork
from tests.lab import machine
from tests.lab.laboratory import NETWORK
from tests.lab.stack import KLOKKEN

if TYPE_CHECKING:
    from collections.abc import Iterator


pytestmark = pytest.mark.timeout(600)
OTHER = "other"
FREE = "198.18.8.0/24"


def klokken(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on the stack that cannot stand."""
    return subprocess.run(
        [KLOKKEN, *arguments],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], problem: str) -> None:
    """Fail unless `up` ended with one line about the `problem`."""
    said = done.stdout + done.stderr
    assert done.returncode == Exit.MACHINE, said
    assert problem in said
    assert "Traceback" not in said


@pytest.fixture
def other() -> Iterator[Path]:
    """The config of a stack of its own, on a free network; all is gone afterwards."""
    before = machine.state(OTHER)
    path = config_path(OTHER)
    path.unlink(missing_ok=True)
    assert klokken("init", OTHER).returncode == 0
    use_network(path, FREE)
    yield path
    assert klokken("down", OTHER).returncode == 0
    path.unlink()
    assert machine.state(OTHER) == before


def use_network(path: Path, network: str) -> None:
    content = yaml.safe_load(path.read_text())
    content["config"]["klokken:site"]["network"] = network
    path.write_text(yaml.safe_dump(content))


@pytest.mark.usefixtures("lab")
def test_an_address_range_in_use_is_refused(other: Path) -> None:
    use_network(other, NETWORK)
    refused(klokken("up", OTHER), f"klokken:site.network: {NETWORK} is already in use")


@pytest.fixture(params=[(), ("198.19.9.1/24",)], ids=["bare", "with an address"])
def foreign_bridge(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A bridge that somebody else has made, of the name that the lab's would have."""
    subprocess.run(["ip", "link", "add", f"kl-{OTHER}", "type", "bridge"], check=True)
    try:
        for address in request.param:
            subprocess.run(["ip", "address", "add", address, "dev", f"kl-{OTHER}"], check=True)
        yield Path("/sys/class/net", f"kl-{OTHER}")
    finally:
        subprocess.run(["ip", "link", "delete", f"kl-{OTHER}"], check=True)


def test_a_bridge_in_use_is_refused_and_left_alone(other: Path, foreign_bridge: Path) -> None:
    assert other.exists()
    refused(klokken("up", OTHER), f"bridge kl-{OTHER}: already in use")
    assert klokken("down", OTHER).returncode == 0
    assert foreign_bridge.exists()


def test_what_is_half_made_goes_without_pulumi_too(other: Path, tmp_path: Path) -> None:
    """Delete the cache with the Pulumi in it, as the README lets a person do."""
    assert other.exists()
    subprocess.run(["mkdir", "-p", f"/var/lib/klokken/{OTHER}/hosts"], check=True)
    LabNetwork(OTHER, FREE).make()
    folders = os.environ["PATH"].split(os.pathsep)
    without = os.pathsep.join(each for each in folders if not Path(each, "pulumi").exists())
    done = klokken("down", OTHER, XDG_CACHE_HOME=str(tmp_path), PATH=without)
    assert done.returncode == 0, done.stderr
    assert f"pulumi: not on this machine; run `make setup`; sweeping {OTHER} up" in done.stderr
    assert not Path("/sys/class/net", f"kl-{OTHER}").exists()
    assert not Path("/var/lib/klokken", OTHER).exists()


def test_a_full_disk_is_refused(other: Path) -> None:
    assert other.exists()
    folder = f"/var/lib/klokken/{OTHER}"
    subprocess.run(["mkdir", "-p", folder], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
    refused(klokken("up", OTHER), f"{folder}: 0.1 GB free, a lab with 7 hosts to make needs")


def test_a_package_source_that_answers_no_is_told(other: Path, tmp_path: Path) -> None:
    """Look for the base image in an empty cache, and for packages by a way that is closed."""
    assert other.exists()
    closed = "http://127.0.0.1:9"
    done = klokken(
        "up",
        OTHER,
        http_proxy=closed,
        https_proxy=closed,
        no_proxy="127.0.0.1,localhost",
        XDG_CACHE_HOME=str(tmp_path),
        PATH=os.pathsep.join([str(workspace.tools_folder()), os.environ["PATH"]]),
    )
    refused(done, "debootstrap: E: Failed getting release file")
    assert list((tmp_path / "klokken/images").glob("*.draft")) == []
