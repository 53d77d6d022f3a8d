"""A machine without root or without room is told so before a lab is begun."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple
from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.lab import folder, image
from stacks.lab.folder import LabFolder

if TYPE_CHECKING:
    from pathlib import Path

GB = 10**9
SEVEN = {f"host{number}": 0 for number in range(7)}


class Disk:
    """A disk with so many bytes free."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 0
        usage = namedtuple("usage", "free")  # noqa: PYI024 - as shutil has it
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(self.free))


@pytest.fixture
def space(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabFolder:
    """A lab of root's, whose key is there already."""
    monkeypatch.setattr(folder, "LABS", tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = LabFolder("here")
    found.key.parent.mkdir(parents=True)
    found.key.touch()
    return found


def test_without_root_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LABS", tmp_path / "labs")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(MachineError, match=r"^a lab needs root, .*; run as root$"):
        LabFolder("here").make(SEVEN)
    assert not (tmp_path / "labs").exists()


def test_a_disk_is_full_by_what_the_topology_needs(lab: LabFolder, space: Disk) -> None:
    space.free = 4 * GB
    lab.make(dict.fromkeys(("edge1", "drive1"), 0))
    with pytest.raises(
        MachineError, match=r"4\.0 GB free, a lab with 7 hosts to make needs 4\.7 GB"
    ):
        lab.make(SEVEN)


def test_hosts_that_are_there_need_no_more_room(lab: LabFolder, space: Disk) -> None:
    for name in SEVEN:
        (lab.hosts / name).mkdir(parents=True)
        (lab.hosts / name / "host.json").touch()
    space.free = GB
    lab.make(SEVEN)


def test_volumes_that_could_fill_the_machine_are_told_of(
    lab: LabFolder, space: Disk, capsys: pytest.CaptureFixture[str]
) -> None:
    space.free = 30 * GB
    lab.make({"drive1": 20, "drive2": 20})
    assert "the data volumes may grow to 40 GB, and 28 GB will be free" in capsys.readouterr().out
    space.free = 60 * GB
    lab.make({"drive1": 20, "drive2": 20})
    assert capsys.readouterr().out == ""


def test_a_volume_that_cannot_even_be_made_is_refused(lab: LabFolder, space: Disk) -> None:
    space.free = 3 * GB
    with pytest.raises(MachineError, match=r"needs 3\.1 GB"):
        lab.make({"drive1": 200})


class Debootstrap:
    """A program of that name that fails, for an image in a cache of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, space: Disk) -> None:
        self.program = folder / "bin" / "debootstrap"
        self.program.parent.mkdir()
        self.space = space
        self.free = space.free
        monkeypatch.setenv("PATH", f"{self.program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
        monkeypatch.setattr(image, "machine_sources", self._begun)

    def fails(self, said: str, free: int) -> None:
        """Have it say so and leave that many bytes free."""
        self.program.write_text(f"#!/bin/sh\necho 'I: Retrieving'\necho '{said}'\nexit 1\n")
        self.program.chmod(0o755)
        self.space.free, self.free = 9 * GB, free

    def _begun(self) -> dict[str, str]:
        self.space.free = self.free
        return {"http://192.0.2.1/debian": "trixie"}


@pytest.fixture
def debootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, space: Disk) -> Debootstrap:
    return Debootstrap(tmp_path, monkeypatch, space)


def test_a_cache_without_room_for_the_base_tree_is_refused(debootstrap: Debootstrap) -> None:
    debootstrap.space.free = GB // 2
    with pytest.raises(MachineError, match=r"0\.5 GB free, the base tree of lab hosts needs 1\.0"):
        image.ensure_image("tree")


@pytest.mark.parametrize(
    ("said", "free", "line"),
    [
        ("wget: Cannot write to x (No space left on device)", 9 * GB, "no space left on its disk"),
        # Not even debootstrap's own log has had room any more.
        ("", 0, "no space left on its disk; free 1 GB there"),
        ("E: Failed getting release file", 9 * GB, "release file; is the package source there?"),
    ],
)
def test_what_kept_debootstrap_from_its_end_is_told(
    debootstrap: Debootstrap, said: str, free: int, line: str
) -> None:
    debootstrap.fails(said, free)
    with pytest.raises(MachineError) as refused:
        image.ensure_image("tree")
    assert str(refused.value).startswith("debootstrap: ")
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)
