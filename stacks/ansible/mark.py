"""The mark of a tier that Ansible has begun with and not come to the end of.

Pulumi keeps the inputs of the last run that did well. What a later one changed before it failed,
or was cut short, would be forgotten as soon as those inputs are declared again.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from klokken import files
from klokken.paths import unfinished_folder

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mark:
    """A file beside Pulumi's own state, there from the beginning of a run until it does well."""

    def __init__(self, stack: str, tier: str) -> None:
        """Name the mark of a tier; nothing is made."""
        self._path = unfinished_folder(stack) / tier

    def exists(self) -> bool:
        """Say whether the last run did not come to its end."""
        return self._path.exists()

    @contextmanager
    def kept(self) -> Iterator[bool]:
        """Have it there until what is done inside has done well; say whether it was before."""
        before = self.exists()
        with files.named(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
        yield before
        self.remove()

    def remove(self) -> None:
        """Forget the run."""
        self._path.unlink(missing_ok=True)
