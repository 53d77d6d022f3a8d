"""Files that are there whole, or not at all."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def write(path: Path, text: str) -> None:
    """Write `text` to `path` beside its place, and move it there once it is on the disk."""
    draft = path.with_name(path.name + ".part")
    with named(path):
        with draft.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Have an error of writing name its file, as the system does only while it is opened."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
