"""How long an operation may take, kept by everything that waits on its behalf.

Pulumi leaves a provider written in Python to itself, whatever `custom_timeouts` say. So each of
them names its own seconds, and what waits inside asks here how long it still may.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from klokken.errors import MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

AGAIN = {"create": "`up`", "update": "`up`", "delete": "`klokken down`"}


class OverdueError(MachineError):
    """An operation has had all the time that it is given."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """So many `seconds` for one operation on one thing, which end at a moment."""

    what: str
    operation: str
    seconds: float
    ends: float

    @classmethod
    def of(cls, what: str, operation: str, seconds: float) -> Deadline:
        """Begin now."""
        return cls(what, operation, seconds, time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left; raise OverdueError when none are."""
        left = self.ends - time.monotonic()
        if left > 0:
            return left
        raise OverdueError(
            f"{self.what}: {self.operation}: not done after {self.seconds:g} s; see what it waits"
            f" for, then {AGAIN[self.operation]} again, which goes on from there"
        )


_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def within(what: str, operation: str, seconds: float) -> Iterator[None]:
    """Give what is done inside so many seconds, or those left of an outer deadline if fewer."""
    outer, own = _current.get(), Deadline.of(what, operation, seconds)
    token = _current.set(own if outer is None or own.ends < outer.ends else outer)
    try:
        yield
    finally:
        _current.reset(token)


@contextmanager
def lifted() -> Iterator[None]:
    """Let what clears up inside finish, although the deadline may be over."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def bounded(timeout: float) -> float:
    """Return `timeout` seconds, or those that the operation under way has left if fewer.

    Raises OverdueError when it has none.
    """
    current = _current.get()
    return timeout if current is None else min(timeout, current.left())


def check() -> None:
    """Raise OverdueError when the operation under way has no time left."""
    bounded(0)


def pool(size: int) -> ThreadPoolExecutor:
    """Return threads that keep to the deadline of this one."""
    return ThreadPoolExecutor(size, initializer=_current.set, initargs=(_current.get(),))
