"""The log of writes: what every pupil sent to the drive, and what the drive said of it.

It is `writes.jsonl` in a run's folder, one `Write` a line in the order of their ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from klokken.document import Document
from klokken.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "writes.jsonl"

Kind = Literal["autosave", "handin"]
# `unknown`: no answer came, or one that leaves open whether the content was stored.
Outcome = Literal["acknowledged", "refused", "unknown"]


class Write(Document):
    """One attempt to store one content; times are Unix seconds, `size` is in bytes.

    A write whose answer was lost, and which the pupil then found stored, has two lines: one
    `unknown`, and one `acknowledged` with the status of the answer that showed it. `late` is
    one acknowledged after the deadline of the exam.
    """

    pupil: Annotated[int, Field(ge=0)]
    username: str
    cell: Annotated[int, Field(ge=1)]
    path: str
    kind: Kind
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]
    sent: float
    outcome: Outcome
    status: int | None
    etag: str
    acknowledged: float | None
    late: bool


def read(path: Path) -> Iterator[Write]:
    """Yield the writes of the log at `path`; raise MachineError where it is not whole."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _parsed(line, path, number)
    except FileNotFoundError:
        raise MachineError(f"{path}: the storm left no log of writes") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from None


def _parsed(line: bytes, path: Path, number: int) -> Write:
    try:
        return Write.model_validate_json(line)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise MachineError(f"{path}: line {number}: is no write ({why})") from None
