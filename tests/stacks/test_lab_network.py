"""Whose a bridge is that has the name of a lab's: only the lab's own is taken over or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.lab import network
from stacks.lab.network import RECORD, LabNetwork

if TYPE_CHECKING:
    from pathlib import Path

STACK = "lab"
RANGE = "198.18.5.0/24"
BRIDGE = f"kl-{STACK}"
DELETE_BRIDGE = ("ip", "link", "delete", BRIDGE)


class Kernel:
    """A kernel that has a bridge of the lab's name; keeps the commands it is given."""

    def __init__(self, links: Path, *, address: str = "", table: bool = False) -> None:
        self.bridge = links / BRIDGE
        self.bridge.mkdir(parents=True)
        self.address = address
        self.table = table
        self.commands: list[tuple[str, ...]] = []

    def run(self, *argv: str, stdin: str = "") -> str:
        self.commands.append(argv)
        self.rules = stdin
        if argv[:3] == ("nft", "list", "tables"):
            return f"table inet klokken_{STACK}\n" if self.table else ""
        if argv[3:5] == ("address", "show"):
            return f'[{{"addr_info": [{{"local": "{self.address}"}}]}}]' if self.address else "[]"
        return ""


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where labs have their folders, this one's among them."""
    labs = tmp_path / "labs"
    (labs / STACK).mkdir(parents=True)
    forward = tmp_path / "ip_forward"
    forward.write_text("0")
    monkeypatch.setattr(network, "LABS", labs)
    monkeypatch.setattr(network, "LINKS", tmp_path / "net")
    monkeypatch.setattr(network, "FORWARD", forward)
    monkeypatch.setattr(network, "FORWARD_BEFORE", labs / ".ip_forward")
    return labs


def kernel(
    labs: Path, monkeypatch: pytest.MonkeyPatch, *, address: str = "", table: bool = False
) -> Kernel:
    found = Kernel(labs.parent / "net", address=address, table=table)
    monkeypatch.setattr(network, "run", found.run)
    monkeypatch.setattr(network, "require_way", lambda _: None)
    return found


@pytest.mark.parametrize("address", ["", "198.18.5.1", "198.19.9.1"])
def test_a_bridge_of_somebody_else_is_neither_taken_over_nor_removed(
    labs: Path, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    seen = kernel(labs, monkeypatch, address=address)
    with pytest.raises(MachineError, match=f"bridge {BRIDGE}: already in use"):
        LabNetwork(STACK, RANGE).make()
    assert not (labs / STACK / RECORD).exists()
    LabNetwork(STACK, RANGE).remove()
    assert DELETE_BRIDGE not in seen.commands


def test_a_network_cut_short_while_it_was_made_is_gone_on_with_and_removed(
    labs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (labs / STACK / RECORD).write_text(RANGE)
    seen = kernel(labs, monkeypatch)
    LabNetwork(STACK, RANGE).make()
    assert ("ip", "address", "add", "198.18.5.1/24", "dev", BRIDGE) in seen.commands
    LabNetwork(STACK, RANGE).remove()
    assert DELETE_BRIDGE in seen.commands
    assert not (labs / STACK / RECORD).exists()


def test_the_route_that_leads_nowhere_is_one_that_networkd_leaves_alone(
    labs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (labs / STACK / RECORD).write_text(RANGE)
    seen = kernel(labs, monkeypatch)
    LabNetwork(STACK, RANGE).make()
    (route,) = [each for each in seen.commands if "unreachable" in each]
    assert route[-2:] == ("proto", "kernel")


def test_a_lab_whose_folder_was_deleted_is_known_by_its_rules(
    labs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = kernel(labs, monkeypatch, address="198.18.5.1", table=True)
    LabNetwork(STACK, RANGE).remove()
    assert DELETE_BRIDGE in seen.commands


@pytest.mark.parametrize(("others", "left"), [((), "0"), (("other",), "1")])
def test_the_last_lab_to_go_puts_forwarding_back(
    labs: Path, monkeypatch: pytest.MonkeyPatch, others: tuple[str, ...], left: str
) -> None:
    for name in (STACK, *others):
        (labs / name).mkdir(exist_ok=True)
        (labs / name / RECORD).write_text(RANGE)
    kernel(labs, monkeypatch)
    LabNetwork(STACK, RANGE).make()
    LabNetwork(STACK, RANGE).remove()
    assert (labs.parent / "ip_forward").read_text() == left
