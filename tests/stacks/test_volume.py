"""A data volume grows with all that is in it, and never shrinks."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.lab import shell, volume
from stacks.lab.volume import GB, Volume

if TYPE_CHECKING:
    from pathlib import Path

BLOCK = 4096


class Machine:
    """A machine whose programs are the real ones, but for `mount`; keeps what it was asked to do.

    `device` is the loop device that a volume is still at.
    """

    def __init__(self, folder: Path) -> None:
        self.host = folder / "drive1"
        self.host.mkdir()
        self.image = self.host / "volume.ext4"
        self.device = ""
        self.programs: list[str] = []

    def run(self, *argv: str, timeout: float = 30) -> str:
        self.programs.append(argv[0])
        if argv[0] == "losetup":
            return self.device
        return "" if argv[0] == "mount" else shell.run(*argv, timeout=timeout)

    def room(self) -> int:
        """Return the bytes that the file system has, by its own account; it must be sound."""
        shell.run("e2fsck", "-f", "-n", str(self.image))
        (blocks,) = re.findall(r"^Block count: +(\d+)$", self.facts(), re.MULTILINE)
        return int(blocks) * BLOCK

    def facts(self) -> str:
        return shell.run("dumpe2fs", "-h", str(self.image))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    found = Machine(tmp_path)
    # Where these programs are is not on the PATH of everybody.
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not shutil.which("resize2fs"):
        pytest.fail("not on this machine: resize2fs; run `make setup-test`")
    monkeypatch.setattr(volume, "run", found.run)
    return found


@pytest.fixture
def standing(machine: Machine) -> Machine:
    """A host with a volume of 1 GB, with a file in it."""
    Volume(machine.host, 1).mount()
    write = ["-w", "-R", "write /etc/hostname kept"]
    shell.run("debugfs", *write, str(machine.image))
    machine.programs.clear()
    return machine


def test_a_volume_that_has_its_size_is_only_mounted(standing: Machine) -> None:
    assert not Volume(standing.host, 1).is_short()
    Volume(standing.host, 1).mount()
    assert "resize2fs" not in standing.programs


def test_a_volume_grows_before_it_is_mounted_and_loses_nothing(standing: Machine) -> None:
    wanted = Volume(standing.host, 2)
    assert wanted.is_short()
    wanted.mount()
    assert standing.programs[-1] == "mount"
    assert not wanted.is_short()
    assert 2 * GB - BLOCK < standing.room() <= 2 * GB
    assert "kept" in shell.run("debugfs", "-R", "ls -p /", str(standing.image))


def test_what_was_cut_short_while_it_grew_is_gone_on_with(standing: Machine) -> None:
    os.truncate(standing.image, 2 * GB)
    assert Volume(standing.host, 2).is_short()
    Volume(standing.host, 2).mount()
    assert standing.room() > 2 * GB - BLOCK


def test_a_volume_that_somebody_still_has_does_not_grow(
    standing: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(volume, "RELEASE", 0.1)
    standing.device = "/dev/loop7\n"
    with pytest.raises(MachineError, match=r"^drive1: its volume is still in use at /dev/loop7;"):
        Volume(standing.host, 2).mount()
    assert standing.room() < GB


@pytest.mark.parametrize("operation", ["mount", "is_short"])
def test_a_volume_that_shall_shrink_is_left_alone(standing: Machine, operation: str) -> None:
    Volume(standing.host, 2).mount()
    before = standing.image.stat().st_size
    line = "drive1: volume_gb: 1 is less than the 2 that its volume has, which can only grow;"
    with pytest.raises(MachineError, match="^" + re.escape(line)):
        getattr(Volume(standing.host, 1), operation)()
    assert standing.image.stat().st_size == before


def test_a_host_without_a_volume_has_nothing_to_grow(machine: Machine) -> None:
    assert not Volume(machine.host, 0).is_short()
    assert machine.programs == []
