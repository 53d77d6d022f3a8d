"""The report of a storm: one HTML page that needs nothing but itself."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from klokken.errors import MachineError
from klokken.report.aftermath import Aftermath
from klokken.report.page import render

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.results import Results

__all__ = ["render", "write"]

NAME = "report.html"


def write(results: Results, folder: Path) -> Path:
    """Write `report.html` into `folder`, whole or not at all, and return its path.

    It tells of the audit and the faults that the folder holds by then.
    """
    page = render(results, Aftermath.of(folder))
    path = folder / NAME
    part = folder / f".{NAME}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.write_text(page, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise MachineError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path
