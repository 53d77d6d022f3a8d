"""Every error a user can meet, and the exit code that goes with it."""

from __future__ import annotations

import errno
from enum import IntEnum

FULL = (errno.ENOSPC, errno.EDQUOT)


class Exit(IntEnum):
    """The exit codes of every command."""

    PASS = 0
    FAIL = 1
    BAD_INPUT = 2
    INVALID = 3
    MACHINE = 4


class KlokkenError(Exception):
    """What went wrong, in one line that names the place and the mend."""

    code = Exit.MACHINE


class InputError(KlokkenError, ValueError):
    """A file or an argument that a person wrote cannot be used as it stands."""

    code = Exit.BAD_INPUT

    def __init__(self, source: object, field: str, problem: str, mend: str = "") -> None:
        """Build the line from `source` (a file or command), `field` in it, problem and mend."""
        place = f"{source}: {field}" if field else str(source)
        super().__init__(f"{place}: {problem}" + (f"; {mend}" if mend else ""))


class MachineError(KlokkenError, RuntimeError):
    """The machine, a host or a service on it did not do what was asked."""

    code = Exit.MACHINE


class UnwritableError(MachineError):
    """A file of this machine's own cannot be written, such as on a full disk."""


class StormRefusedError(InputError):
    """A storm was asked for against something that it must not touch."""


def described(error: OSError) -> str:
    """Return in one line what the operating system refused, where nothing closer has told it."""
    # The second is what something was copied or moved to. None is named in the midst of writing.
    place = error.filename2 or error.filename or "a file, or the standard output"
    if error.errno in FULL:
        return f"{place}: cannot be written, its disk is full; free some space, then try again"
    return f"{place}: {error.strerror or error}; mend that, then try again"
