"""A machine's control groups, where the lab needs more than they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.lab import cgroup

if TYPE_CHECKING:
    from pathlib import Path


def test_a_machine_whose_groups_cannot_share_the_cpu_is_told_so_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory pids\n")
    # The kernel answers so to a controller that is not there; here the file is a folder.
    (tmp_path / "cgroup.subtree_control").mkdir()
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    with pytest.raises(MachineError, match="no share of the CPU"):
        cgroup.Cgroup("lab", "edge1").make()
