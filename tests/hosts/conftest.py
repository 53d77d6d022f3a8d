"""Checks of a site's hosts: `pytest tests/hosts --stack lab`.

A module says which tier it checks, as in `TIER = "edge"`; without, it checks every host.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import pytest
import testinfra

from klokken.inventory import Inventory
from klokken.paths import inventory_path
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--stack", help="the stack whose hosts are checked")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave these checks out where no stack is named: they are about hosts, not about code."""
    no_stack = config.getoption("--stack", None) is None
    return True if no_stack and collection_path.name.startswith("test_") else None


@pytest.fixture(scope="session")
def inventory(pytestconfig: pytest.Config) -> Inventory:
    """The inventory of the stack."""
    return Inventory.read(inventory_path(pytestconfig.getoption("--stack")))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "host" not in metafunc.fixturenames:
        return
    stack = metafunc.config.getoption("--stack", None)
    if stack is None:
        raise pytest.UsageError("tests/hosts checks a running stack: add --stack NAME")
    tier = getattr(metafunc.module, "TIER", None)
    hosts = Inventory.read(inventory_path(stack)).hosts(tier and Tier(tier))
    metafunc.parametrize("host", list(hosts), indirect=True, scope="module")


@pytest.fixture(scope="session")
def sockets() -> Iterator[str]:
    """A folder for the sockets of connections that all checks of a host share."""
    with tempfile.TemporaryDirectory(prefix="klokken-") as folder:
        yield folder


@pytest.fixture(scope="module")
def host(request: pytest.FixtureRequest, inventory: Inventory, sockets: str) -> testinfra.host.Host:
    """One host, over SSH."""
    site, there = inventory.site, inventory.hosts()[request.param]
    shared = f"-o ControlMaster=auto -o ControlPersist=15 -o ControlPath={sockets}/%C"
    extra = f"{site.ansible_ssh_common_args} {shared}"
    return testinfra.get_host(
        f"ssh://{there.ansible_user}@{there.ansible_host}:{there.ansible_port}",
        ssh_identity_file=str(site.ansible_ssh_private_key_file),
        ssh_extra_args=extra,
        sudo=there.ansible_user != "root",
    )


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """What the site calls the host, whatever it calls itself."""
    callspec: Any = request.node.callspec
    return str(callspec.params["host"])
