"""Compilation to machine code, kept between runs."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

from klokken.paths import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")


def _sources() -> str:
    """Return a digest of this package's code and of the compiler's version."""
    digest = sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


# Numba compiles a function anew when its own file changes, but not when a function that it calls
# does. A folder named after all the sources can hold nothing stale.
numba.config.CACHE_DIR = str(cache_folder() / "numba" / _sources())


def compiled(function: F) -> F:
    """Return `function` as machine code: integers wrap at 64 bits, indices are not checked."""
    return cast("F", numba.njit(cache=True, nogil=True)(function))


def internal(function: F) -> F:
    """Return `function` as machine code that other compiled functions call, and Python cannot.

    It is kept as a part of those that call it. The way in from Python would take longer to
    compile than the function itself.
    """
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast("F", numba.njit(nogil=True, **options)(function))
