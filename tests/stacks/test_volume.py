"""A data volume keeps its size and what is in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.lab import volume
from stacks.lab.volume import GB, Volume

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was run of the machine, which does nothing."""
    found: list[str] = []
    monkeypatch.setattr(volume, "run", lambda *argv: found.append(argv[0]))
    return found


@pytest.fixture
def host(tmp_path: Path, programs: list[str]) -> Path:
    """The folder of a host with a volume of 2 GB."""
    folder = tmp_path / "drive1"
    folder.mkdir()
    Volume(folder, 2).mount()
    programs.clear()
    return folder


def test_a_volume_is_made_once_and_mounted_each_time(host: Path, programs: list[str]) -> None:
    Volume(host, 2).require_size()
    Volume(host, 2).mount()
    assert programs == ["mount"]
    assert (host / "volume.ext4").stat().st_size == 2 * GB


@pytest.mark.parametrize("gigabytes", [1, 3])
def test_a_volume_of_another_size_is_refused_and_left_alone(
    host: Path, programs: list[str], gigabytes: int
) -> None:
    line = f"drive1: volume_gb is {gigabytes}, and its volume has 2 GB, which stay as they are;"
    with pytest.raises(MachineError, match="^" + re.escape(line)):
        Volume(host, gigabytes).require_size()
    assert (host / "volume.ext4").stat().st_size == 2 * GB
    assert programs == []


def test_a_host_without_a_volume_has_none_to_keep(tmp_path: Path, programs: list[str]) -> None:
    Volume(tmp_path, 0).require_size()
    Volume(tmp_path, 0).mount()
    assert programs == []
