"""What a server is beside its record: nothing, but where a test has real hosts for it."""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Interface

# What is under way at a machine: the action that it is for succeeds or fails with it.
Work = Future[None] | None


@dataclass(frozen=True)
class Ordered:
    """A server as it was ordered: its public address, and the SSH keys that it lets in."""

    name: str
    address: str
    keys: Sequence[str]


class Machines:
    """Machines that are not there. What else should happen to servers is for who has some."""

    def __init__(self) -> None:
        """Begin with every address free."""
        self._numbers = itertools.count(1)

    def address(self) -> str:
        """Return a public IPv4 address that nobody had."""
        return f"192.0.2.{next(self._numbers) % 250 + 1}"

    def boot(self, _server: Ordered) -> Work:
        """Make a server's host, and start it."""
        return None

    def join(self, _server: str, _inside: IPv4Interface) -> Work:
        """Give a server its address in a private network."""
        return None

    def attach(self, _server: str, _device: str, _gigabytes: int) -> Work:
        """Let a server find a volume at `device`, with a file system on it."""
        return None

    def remove(self, _server: str) -> Work:
        """End a server's host, and delete its disk."""
        return None

    def discard(self, _device: str) -> None:
        """Delete the volume that servers find at `device`."""
