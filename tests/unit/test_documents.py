"""The documents say what the product does: their commands, links and tables are checked."""

from __future__ import annotations

import importlib
import re
import shlex
from typing import TYPE_CHECKING

import click
import pytest
import yaml

from klokken.cli import cli
from klokken.errors import Exit
from klokken.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "docs/**/*.md", "roles/*/README.md")
    for path in PROJECT.glob(pattern)
)
NAMES = [str(path.relative_to(PROJECT)) for path in DOCUMENTS]
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE))
# Programs that are not ours; that the tests of the lab use them is proof enough.
FOREIGN = {".", "pulumi", "pytest", "journalctl", "systemctl", "apt-get"}


def commands(path: Path) -> list[list[str]]:
    """Return the commands of the shell blocks of a document, one a line."""
    blocks = re.findall(r"```sh\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_command_of_a_document_exists_with_its_options(path: Path) -> None:
    for program, *arguments in commands(path):
        if program == "make":
            assert {word for word in arguments if "=" not in word} <= TARGETS
        elif program == "klokken":
            command = cli.get_command(click.Context(cli), arguments[0])
            assert command is not None, arguments
            command.make_context(arguments[0], arguments[1:], resilient_parsing=False)
        elif program == "python":
            assert arguments[0] == "-m", arguments
            main = importlib.import_module(f"{arguments[1]}.__main__").main
            main.make_context(arguments[1], arguments[2:], resilient_parsing=False)
        else:
            assert program in FOREIGN, f"{program}: add a check for it"


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


def test_the_inventory_example_of_every_stack_is_valid_yaml() -> None:
    for path in (PROJECT / "stacks/examples").glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["config"]


def test_the_load_generator_installs_a_part_of_the_lock() -> None:
    def pins(name: str) -> set[str]:
        text = (PROJECT / name).read_text(encoding="utf-8")
        return set(re.findall(r"^[\w.-]+==\S+", text, re.MULTILINE))

    assert pins("loadtests/requirements.lock") <= pins("requirements.lock")
