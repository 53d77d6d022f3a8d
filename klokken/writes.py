"""The log of writes: every attempt of a pupil to store a document, and what the pupil was told.

`results/<run>/writes.jsonl` holds one `Write` a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, ValidationError

from klokken.document import Document
from klokken.errors import InputError, MachineError
from klokken.results import Seconds, Whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITES = "writes.jsonl"


class Write(Document):
    """One attempt to store a document. Times are Unix seconds.

    `path` is within the pupil's personal space. `unknown` says that no answer came, so that the
    document may or may not be stored. `late` says that the deadline had passed.
    """

    pupil: Whole
    username: str
    cell: Annotated[int, Field(ge=1)]
    path: str
    kind: Literal["autosave", "handin"]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Whole
    sent: Seconds
    outcome: Literal["acknowledged", "refused", "unknown"]
    status: int | None
    etag: str
    acknowledged: Seconds | None
    late: bool


def read(path: Path) -> Iterator[Write]:
    """Yield the writes of the file at `path`.

    Raises InputError where there is no such file or a line is no write, MachineError where the
    file cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield _write(line, path, number)
    except FileNotFoundError:
        raise InputError(path, "", "there is no such file", "audit a run of an exam") from None
    except OSError as error:
        raise MachineError(f"{path}: cannot be read ({error.strerror})") from None


def _write(line: bytes, path: Path, number: int) -> Write:
    try:
        return Write.model_validate_json(line)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join([f"line {number}", *map(str, first["loc"])])
        raise InputError(
            path, place, first["msg"], "the log is broken; sit the exam anew"
        ) from None
