"""The stand-in as a program that Pulumi finds by its name."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from klokken.paths import PROJECT

if TYPE_CHECKING:
    from pathlib import Path

NAME = "pulumi-resource-hcloud"


def install(folder: Path) -> None:
    """Put the program into `folder`, for a PATH or a project's list of plugins."""
    path = folder / NAME
    path.write_text(
        f'#!/bin/sh\ncd {PROJECT} && exec {sys.executable} -m tests.doubles.plugin "$@"\n'
    )
    path.chmod(0o755)
