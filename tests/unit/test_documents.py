"""The documents say what the product does: their commands are parsed, links and tables checked."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import re
import shlex
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import click
import pytest
import yaml

from klokken import workspace
from klokken.cli import cli
from klokken.errors import Exit
from klokken.paths import PROJECT
from tests.documents import commands

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "roles/*/README.md")
    for path in PROJECT.glob(pattern)
)
NAMES = [str(path.relative_to(PROJECT)) for path in DOCUMENTS]
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
# Programs of the system, for a person who looks about.
FOREIGN = {"journalctl", "systemctl", "apt-get", "ssh-keygen", "sshd"}
OURS = "klokken|pulumi|make|pytest|python -m"


def mentions(path: Path) -> list[list[str]]:
    """Return the commands named in running text, often without all that they need."""
    text = re.sub(r"(?ms)^```.*?^```", "", path.read_text(encoding="utf-8"))
    return [shlex.split(found) for found in re.findall(rf"`((?:{OURS}) [^`\n]+)`", text)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_command_of_a_document_can_be_given_as_it_stands(path: Path) -> None:
    for program, *arguments in commands(path):
        if program == "klokken":
            command, rest = ours(arguments)
            command.make_context("klokken", rest, resilient_parsing=False)
        elif program == "python":
            main(arguments).make_context("python", arguments[2:], resilient_parsing=False)
        else:
            known(program, arguments)


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_command_that_a_document_mentions_exists_with_its_options(path: Path) -> None:
    for program, *arguments in mentions(path):
        options = {word.partition("=")[0] for word in arguments if word.startswith("--")}
        if program == "klokken":
            assert options <= names(ours(arguments)[0]), arguments
        elif program == "python":
            assert options <= names(main(arguments)), arguments
        else:
            known(program, arguments)


def ours(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command of the command line that these words name, and the words after it."""
    command: click.Command = cli
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), arguments[0])
        assert found is not None, arguments
        command, arguments = found, arguments[1:]
        if not arguments:
            break
    return command, arguments


def main(arguments: list[str]) -> click.Command:
    """Return the command of a module that is run with `python -m`."""
    assert arguments[0] == "-m", arguments
    with suppress(ModuleNotFoundError):
        command: click.Command = importlib.import_module(f"{arguments[1]}.__main__").main
        return command
    # A module by itself takes no options.
    source = inspect.getsource(importlib.import_module(arguments[1]))
    assert '__name__ == "__main__"' in source, arguments
    return click.Command("python")


def names(command: click.Command) -> set[str]:
    """Return the options of a command."""
    return {"--help", *(name for each in command.params for name in each.opts)}


def known(program: str, arguments: list[str]) -> None:
    """Fail for a command of another program that would be refused for its words."""
    if program == "make":
        assert {word for word in arguments if "=" not in word} <= TARGETS
    elif program == "pulumi":
        assert_understood_by_pulumi(tuple(arguments))
    elif program == "pytest":
        assert all((PROJECT / word).exists() for word in arguments if word.endswith(".py"))
    elif program == ".":
        assert (PROJECT / arguments[0]).exists()
    else:
        assert program in FOREIGN, f"{program}: add a check for it"


@functools.cache
def assert_understood_by_pulumi(arguments: tuple[str, ...]) -> None:
    """Have Pulumi itself read the words, and ask it for help with them rather than to do it."""
    environment = os.environ | workspace.environment()
    done = subprocess.run(
        ["pulumi", *arguments, "--help"],
        cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"pulumi {arguments[0]}" in done.stdout, "Pulumi has no such command"


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_link_of_a_document_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    local = [link for link in links if not link.startswith(("http://", "https://", "mailto:"))]
    assert [link for link in local if not (path.parent / link).exists()] == []


def test_the_table_of_exit_codes_is_the_code() -> None:
    table = (PROJECT / "docs/exit-codes.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (\d+) \| (\w+) \|", table, re.MULTILINE))
    assert rows == {str(code.value): code.name for code in Exit}


def test_make_help_lists_every_target_of_the_readme() -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    listed = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`make ([a-z-]+)`", readme)) <= listed


# The one thing that no set-up can have: it is named at the end of each run of the tests.
MAY_BE_MISSING = {"tests/stacks/test_hetzner_engine.py"}


def test_no_test_skips_but_for_what_cannot_be_had() -> None:
    found = {
        str(path.relative_to(PROJECT))
        for path in PROJECT.glob("tests/*/test_*.py")
        # What is asked of a real host depends on what the host is for.
        if path.parent.name != "hosts"
        and re.search(r"pytest\.(skip|importorskip|mark\.skip)", path.read_text(encoding="utf-8"))
    }
    assert found - {"tests/unit/test_documents.py"} == MAY_BE_MISSING


def test_the_map_of_the_readme_has_every_folder() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "*/*"], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split()
    folders = {name.partition("/")[0] for name in tracked if not name.startswith(".")}
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    mapped = set(re.findall(r"`(\w+)/`", readme.partition("## Map")[2]))
    assert folders | {"inventories", "results"} == mapped


def test_the_inventory_example_of_every_stack_is_valid_yaml() -> None:
    for path in (PROJECT / "stacks/examples").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["config"]


def test_the_load_generator_installs_a_part_of_the_lock() -> None:
    def pins(name: str) -> set[str]:
        text = (PROJECT / name).read_text(encoding="utf-8")
        return set(re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE))

    assert pins("loadtests/requirements.lock") <= pins("requirements.lock")
