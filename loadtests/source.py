"""Where connections come from, on a host that has several addresses of its own."""

from __future__ import annotations

from socket import IPPROTO_IP
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

# Linux's IP_BIND_ADDRESS_NO_PORT: the port is chosen when the target is known, so that an address
# has all its ports for each target.
_BIND_ADDRESS_NO_PORT = 24


def bind(plain: socket.socket, address: str | None) -> None:
    """Have a socket that is not connected yet come from `address`, or from where the system will.

    Raises OSError where the host has no such address.
    """
    if address:
        plain.setsockopt(IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        plain.bind((address, 0))
