"""The journal of a storm: every entry of the master's books on the disk at once, in a file.

So that whatever becomes of the master, what it had heard until then can be added up again. An
entry is a line of JSON: what was `shared` out, or a `delta` and whose it is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from klokken.errors import MachineError
from klokken.storm.folder import JOURNAL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Entry: TypeAlias = dict[str, Any]


class Journal:
    """The journal in `folder`, to be written once from its beginning to its end."""

    def __init__(self, folder: Path) -> None:
        """Begin it; raise MachineError where one was begun, or none can be."""
        self.path = folder / JOURNAL
        try:
            self.path.touch(exist_ok=False)
        except FileExistsError:
            raise MachineError(
                f"{self.path}: this storm was rung already, and is not rung twice;"
                " `klokken storm` rings another"
            ) from None
        except OSError as error:
            raise unwritable(self.path, error) from None

    def write(self, entry: Entry) -> None:
        """Add an entry; raise MachineError where the disk does not take it."""
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as error:
            raise unwritable(self.path, error) from None


def unwritable(path: Path, error: OSError) -> MachineError:
    """Return the line that says why `path` cannot be written."""
    return MachineError(f"{path}: cannot be written ({error.strerror})")


def entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Yield the entries of a journal up to where it breaks off."""
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            return
        yield entry
