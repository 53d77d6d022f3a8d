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


# Some of its options are not in the types that numba ships.
_CONFIG: Any = numba.config
_NJIT: Any = numba.njit

# Numba compiles a function anew when its own file changes, but not when a function that it calls
# does. A folder named after all the sources can hold nothing stale.
_CONFIG.CACHE_DIR = str(cache_folder() / "numba" / _sources())


# Without reference counts: two calls for each access to an array took nine tenths of the time.
# Compiled code can then make no arrays, so its callers do. Numbers are never divided by zero.
_OPTIONS = {"nogil": True, "error_model": "numpy", "_nrt": False}


def compiled(function: F) -> F:
    """Return `function` as machine code: integers wrap at 64 bits, indices are not checked."""
    return cast("F", _NJIT(cache=True, **_OPTIONS)(function))


def internal(function: F) -> F:
    """Return `function` as machine code that other compiled functions call, and Python cannot.

    It becomes a part of those that call it: to pass all tables by value costs more than most of
    these functions do, and a way in from Python takes longer to compile than they.
    """
    alone = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True}
    return cast("F", _NJIT(**alone, **_OPTIONS)(function))
