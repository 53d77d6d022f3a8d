"""The commands that documents give."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def commands(path: Path) -> list[list[str]]:
    """Return the commands of the blocks of a document, one a line."""
    text = path.read_text(encoding="utf-8")
    blocks = re.findall(r"^```(?:sh|console)\n(.*?)```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in typed(block) if line.strip()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def typed(block: str) -> list[str]:
    """Return the lines of a block that a person types: those after a prompt, where there is one."""
    after = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    return after or block.splitlines()
