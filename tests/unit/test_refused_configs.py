"""A command with a bad stack config ends with 2 and one line, and has made nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from klokken import cli, paths, stackconfig, workspace
from klokken.errors import Exit
from klokken.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLE = (PROJECT / "stacks" / "examples" / "lab.yaml").read_text()
STACK = "lab"


class Refusing:
    """Stands for every program: to start one would be to begin making something."""

    def __init__(self, *arguments: Any, **_options: Any) -> None:
        raise AssertionError(f"started {arguments}")


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have folders of the test's own, and no program that could make anything."""
    for module in (paths, stackconfig, workspace):
        monkeypatch.setattr(module, "PROJECT", tmp_path)
    for kind in ("CACHE", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path))
    for name in ("Popen", "run"):
        monkeypatch.setattr(subprocess, name, Refusing)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    file = folder / f"Pulumi.{STACK}.yaml"
    file.write_text(text)
    return file


def changed(path: str, value: Any) -> str:
    """Return the example with the field at `path` (slashes between) set to `value`."""
    content = yaml.safe_load(EXAMPLE)
    place = content["config"]
    *parents, last = path.split("/")
    for part in parents:
        place = place[part]
    place[last] = value
    return yaml.safe_dump(content)


class Told(NamedTuple):
    """What a command left a person with."""

    code: int
    out: str
    err: str


Klokken = Callable[..., Told]


@pytest.fixture
def klokken(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Klokken:
    """Return a way to run a command as a person would."""

    def run(*arguments: str) -> Told:
        monkeypatch.setattr(sys, "argv", ["klokken", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return Told(int(ended.value.code or 0), *capsys.readouterr())

    return run


WRONG = [
    ("klokken:site/accounts", "many", "klokken.site.accounts"),
    ("klokken:site/accounts", 6500.5, "klokken.site.accounts"),
    ("klokken:site/tiers/edge/count", "two", "klokken.site.tiers.edge.count"),
    ("klokken:site/tiers/edge/count", -1, "klokken.site.tiers.edge.count"),
    ("klokken:site/tiers/drive/volume_gb", -20, "klokken.site.tiers.drive.volume_gb"),
    ("klokken:site/tiers/edge/cuont", 1, "klokken.site.tiers.edge.cuont"),
    ("klokken:site/nettwork", "198.18.0.0/24", "klokken.site.nettwork"),
    ("klokken:strom", True, "klokken.strom"),
    ("klokken:site/tiers/moon", {"count": 1}, "klokken.site.tiers.moon"),
    ("klokken:site/domain", "not a domain", "klokken.site.domain"),
    ("klokken:site/domain", "-skole.test", "klokken.site.domain"),
    ("klokken:site/domain", 7, "klokken.site.domain"),
    ("klokken:substrate", "moon", "klokken.substrate"),
    (
        "klokken:site/tiers/edge/variables",
        {"edge_identity_maxcon": 8},
        "klokken.site.tiers.edge.variables.edge_identity_maxcon",
    ),
    (
        "klokken:site/tiers/edge/variables",
        {"edge_identity_maxconn": "eight"},
        "klokken.site.tiers.edge.variables.edge_identity_maxconn",
    ),
    (
        "klokken:site/tiers/drive/hosts",
        {"drive2": {"drive_directory": "ldap"}},
        "klokken.site.tiers.drive.hosts.drive2.drive_directory",
    ),
]


every_command = pytest.mark.parametrize("command", ["init", "up", "preview"])


@every_command
@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong[2]}={wrong[1]}")
def test_a_wrong_field_ends_a_command_before_anything_is_made(
    project: Path, klokken: Klokken, command: str, wrong: tuple[str, Any, str]
) -> None:
    path, value, field = wrong
    file = write(project, changed(path, value))
    told = klokken(command, STACK)
    assert told.code == Exit.BAD_INPUT
    assert told.out == ""
    assert told.err.startswith(f"klokken: {file}: {field}")
    assert told.err.count("\n") == 1
    assert list(project.iterdir()) == [file]


@every_command
@pytest.mark.parametrize("text", ["{", "a: b: c", "[1, 2]", "config: 7", "\x00"])
def test_a_file_that_is_no_config_ends_it_too(
    project: Path, klokken: Klokken, command: str, text: str
) -> None:
    file = write(project, text)
    told = klokken(command, STACK)
    assert told.code == Exit.BAD_INPUT
    assert told.err.startswith(f"klokken: {file}: ")
    assert told.err.count("\n") == 1
    assert list(project.iterdir()) == [file]


def test_a_stack_without_a_config_is_told_how_to_begin(project: Path, klokken: Klokken) -> None:
    told = klokken("up", STACK)
    assert told.code == Exit.BAD_INPUT
    assert "run `klokken init lab`" in told.err
    assert list(project.iterdir()) == []
