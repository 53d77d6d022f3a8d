"""What the operating system refuses is told in one line that names the file, never as a trace."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from klokken import cli, deployment, files, stackconfig, workspace
from klokken.errors import Exit

# Takes no byte, as a disk without space left (full(4)).
FULL = Path("/dev/full")


def told(act: object, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command that does so; return the one line that it ends with."""
    monkeypatch.setattr(deployment, "check", act)
    monkeypatch.setattr(sys, "argv", ["klokken", "check", "lab"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == Exit.MACHINE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


def test_a_full_disk_is_told_with_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    (tmp_path / "results.json.part").symlink_to(FULL)
    line = told(lambda _: files.write(path, "{}"), monkeypatch, capsys)
    assert line.startswith(f"klokken: {path}: cannot be written, its disk is full; free some")
    assert not path.exists()


def test_a_full_disk_is_told_where_nobody_knows_the_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = told(lambda _: FULL.write_text("something"), monkeypatch, capsys)
    assert line.startswith("klokken: a file, or the standard output: cannot be written")


def test_a_copy_that_finds_no_room_names_where_it_was_to_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(_: str) -> None:
        raise OSError(28, "No space left on device", "from", None, "to")

    assert told(refuse, monkeypatch, capsys).startswith("klokken: to: cannot be written")


def test_a_file_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = told(lambda _: tmp_path.read_text(), monkeypatch, capsys)
    assert line == f"klokken: {tmp_path}: Is a directory; mend that, then try again\n"


def test_a_full_disk_leaves_no_half_of_a_passphrase(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "passphrase"
    monkeypatch.setattr(stackconfig, "PROJECT", tmp_path)
    monkeypatch.setattr(workspace, "passphrase_file", lambda: path)
    (tmp_path / "passphrase.part").symlink_to(FULL)
    with pytest.raises(OSError, match="No space left") as refused:
        workspace.init("here")
    assert refused.value.filename == str(path)
    assert not path.exists()
