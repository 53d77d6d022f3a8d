"""A data volume grows with all that is in it, and never shrinks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.lab import volume
from stacks.lab.volume import GB, Volume

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "/dev/loop7"
GROW = [("losetup", "--set-capacity", DEVICE), ("resize2fs", DEVICE)]


class Machine:
    """A machine that mounts, on a loop device of its own; keeps what it was asked to do."""

    def __init__(self, folder: Path) -> None:
        self.host = folder / "drive1"
        self.host.mkdir()
        self.image = self.host / "volume.ext4"
        self.commands: list[tuple[str, ...]] = []

    def run(self, *argv: str) -> str:
        if argv[0] == "findmnt":
            return f"{DEVICE}\n"
        self.commands.append(argv)
        return ""

    def asked(self, program: str) -> list[tuple[str, ...]]:
        return [argv for argv in self.commands if argv[0] == program]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine(tmp_path)
    monkeypatch.setattr(volume, "run", found.run)
    return found


@pytest.fixture
def standing(machine: Machine) -> Machine:
    """A host with a volume of 2 GB."""
    Volume(machine.host, 2).mount()
    machine.commands.clear()
    return machine


def test_a_volume_of_a_running_host_grows_in_its_place(standing: Machine) -> None:
    Volume(standing.host, 3).grow()
    assert standing.image.stat().st_size == 3 * GB
    assert standing.commands == GROW


def test_a_volume_of_a_host_that_is_down_grows_as_it_is_mounted(standing: Machine) -> None:
    Volume(standing.host, 3).mount()
    assert standing.image.stat().st_size == 3 * GB
    assert standing.asked("mkfs.ext4") == []
    assert [argv[0] for argv in standing.commands] == ["mount", "resize2fs"]


def test_what_was_cut_short_while_it_grew_is_gone_on_with(standing: Machine) -> None:
    with standing.image.open("ab") as file:
        file.truncate(3 * GB)
    Volume(standing.host, 3).grow()
    assert standing.commands == GROW


@pytest.mark.parametrize("operation", ["mount", "grow"])
def test_a_volume_that_shall_shrink_is_left_alone(standing: Machine, operation: str) -> None:
    line = "drive1: volume_gb: 1 is less than the 2 that its volume has, which can only grow;"
    with pytest.raises(MachineError, match="^" + re.escape(line)):
        getattr(Volume(standing.host, 1), operation)()
    assert standing.image.stat().st_size == 2 * GB
    assert standing.commands == []


def test_a_host_without_a_volume_has_nothing_to_grow(machine: Machine) -> None:
    Volume(machine.host, 0).grow()
    assert machine.commands == []
