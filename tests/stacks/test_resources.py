"""What Pulumi is told of a difference: nothing, mend in place, or replace."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from stacks.ansible.resource import AnsibleRunProvider
from stacks.lab.resources import GroundProvider, HostProvider, NetworkProvider
from tests.stacks.ansible_run import RUN

if TYPE_CHECKING:
    from pathlib import Path

HOST = {
    "stack": "lab",
    "name": "edge1",
    "address": "198.18.5.51",
    "network": "198.18.5.0/24",
    "image": "trixie-1",
    "weight": 1,
    "volume_gb": 0,
    "state": "up",
    "instance": None,
}
BOOTED = {**HOST, "instance": "a1"}


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a state of the tests' own, in which no run is unfinished."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


def test_an_unchanged_host_is_left_alone() -> None:
    assert HostProvider().diff("lab-edge1", BOOTED, HOST).changes is False


@pytest.mark.parametrize("key", ["stack", "name", "address", "network", "image", "volume_gb"])
def test_what_a_host_is_made_of_makes_another_host(key: str) -> None:
    result = HostProvider().diff("lab-edge1", BOOTED, {**HOST, key: "other"})
    assert result.replaces == [key]
    assert result.delete_before_replace


@pytest.mark.parametrize(("old", "new"), [(20, 30), (20, 10)])
def test_the_size_of_a_volume_makes_no_other_host(old: int, new: int) -> None:
    result = HostProvider().diff(
        "lab-edge1", {**BOOTED, "volume_gb": old}, {**HOST, "volume_gb": new}
    )
    assert result.changes is True
    assert result.replaces == []


@pytest.mark.parametrize(("key", "value"), [("weight", 4), ("state", "down")])
def test_weight_and_power_change_in_place(key: str, value: Any) -> None:
    result = HostProvider().diff("lab-edge1", {**BOOTED, key: value}, HOST)
    assert result.changes is True
    assert result.replaces == []


@pytest.mark.parametrize(
    ("provider", "props"),
    [
        (HostProvider(), {**BOOTED, "stack": "nowhere"}),
        (NetworkProvider(), {"stack": "nowhere", "network": "198.18.5.0/24", "state": "up"}),
        (GroundProvider(), {"stack": "nowhere", "image": "none", "state": "up"}),
    ],
)
def test_what_is_gone_reads_as_down_and_stays_known(provider: Any, props: dict[str, Any]) -> None:
    found = provider.read("it", props)
    assert found.id == "it"
    assert found.inputs["state"] == "down"


@pytest.mark.parametrize("key", ["inventory", "instances", "sources", "secrets", "revision"])
def test_whatever_a_tier_is_configured_from_runs_ansible_again(key: str) -> None:
    result = AnsibleRunProvider().diff("lab-edge", {**RUN, key: "older"}, RUN)
    assert result.changes is True
    assert result.replaces == []


def test_an_unchanged_tier_is_not_configured_again() -> None:
    done = {**RUN, "ran": time.time()}
    assert AnsibleRunProvider().diff("lab-edge", done, RUN).changes is False
