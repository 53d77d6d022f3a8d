"""A folder of the lab goes with all in it, or says what stays: never through a mount."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from klokken.errors import MachineError
from stacks.lab import mounts
from stacks.lab.mounts import delete, unmount

if TYPE_CHECKING:
    from pathlib import Path


class Kernel:
    """A kernel with a tree and a volume mounted in a host's folder, and somebody in the tree."""

    def __init__(self, folder: Path) -> None:
        self.host = folder / "my host"
        self.table = folder / "mounts"
        for name in ("root", "volume"):
            (self.host / name).mkdir(parents=True)
            (self.host / name / "data").touch()
        self.busy = {str(self.host / "root")}
        self.stuck: set[str] = set()
        self.commands: list[tuple[str, ...]] = []
        self.write([self.host / "root", self.host / "volume", folder / "my host 2"])

    def write(self, places: list[Any]) -> None:
        escaped = [str(place).replace(" ", "\\040") for place in places]
        self.table.write_text("".join(f"dev {place} ext4 rw 0 0\n" for place in escaped))

    def run(self, *argv: str) -> str:
        self.commands.append(argv)
        place = argv[-1]
        if place in self.stuck or (place in self.busy and "--lazy" not in argv):
            raise MachineError(f"umount {place}: target is busy.")
        lines = self.table.read_text().splitlines(keepends=True)
        escaped = place.replace(" ", "\\040")
        self.table.write_text("".join(line for line in lines if line.split()[1] != escaped))
        return ""


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    found = Kernel(tmp_path)
    monkeypatch.setattr(mounts, "MOUNTS", found.table)
    monkeypatch.setattr(mounts, "run", found.run)
    return found


def test_a_folder_goes_while_somebody_stands_in_it(kernel: Kernel) -> None:
    delete(kernel.host)
    assert not kernel.host.exists()
    volume, root = str(kernel.host / "volume"), str(kernel.host / "root")
    assert kernel.commands == [
        ("umount", volume),
        ("umount", root),
        ("umount", "--lazy", root),
    ]
    assert len(kernel.table.read_text().splitlines()) == 1


def test_what_is_mounted_again_is_not_taken_from_who_stands_in_it(kernel: Kernel) -> None:
    with pytest.raises(MachineError, match="target is busy"):
        unmount(kernel.host)


def test_nothing_is_deleted_below_a_mount_that_stays(kernel: Kernel) -> None:
    kernel.stuck = {str(kernel.host / "volume")}
    with pytest.raises(MachineError, match="target is busy"):
        delete(kernel.host)
    assert (kernel.host / "volume/data").exists()


def test_a_mount_that_only_seemed_to_go_keeps_the_folder(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "run", lambda *_: "")
    with pytest.raises(MachineError, match=r"my host/root: still mounted; unmount it, then try"):
        delete(kernel.host)
    assert (kernel.host / "root/data").exists()


def test_what_cannot_be_deleted_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(1, "Operation not permitted", str(path / "kept"))

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(MachineError, match=r"kept: cannot be deleted \(Operation not permitted\)"):
        delete(tmp_path)


def test_what_is_gone_already_is_no_error(tmp_path: Path) -> None:
    delete(tmp_path / "gone")
