"""Where a storm may go: the one address that a host of its plan resolves to, if allowed."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from klokken.errors import StormRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class Target:
    """A host and the checked address at which connections to it are opened."""

    host: str
    address: str
    port: int

    @property
    def authority(self) -> str:
        """What a Host header says."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of `host`, as the machine resolves them."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise StormRefusedError(
            "storm", host, f"does not resolve ({error})", "see /etc/hosts"
        ) from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def allowed_target(
    url: str,
    allowed: Collection[str],
    resolver: Callable[[str, int], list[str]] = resolve,
) -> Target:
    """Return the target of a storm's requests to `url`, or raise StormRefusedError.

    Every address that the host resolves to must be among `allowed`. The address found here is
    the one that connections are opened to, so that no later change of a name can lead a storm
    elsewhere.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/"):
        raise StormRefusedError("storm", "url", f"is {url!r}", "give https://host[:port]")
    port = parts.port or HTTPS_PORT
    addresses = resolver(parts.hostname, port)
    alien = [a for a in addresses if a not in allowed]
    if alien or not addresses:
        raise StormRefusedError(
            "storm",
            parts.hostname,
            f"resolves to {', '.join(alien) or 'nothing'}, which is no edge of this stack",
            "ring only at the hosts of the stack's own inventory",
        )
    return Target(parts.hostname, addresses[0], port)
