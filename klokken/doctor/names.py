"""Whether the names of a site lead anywhere, as this machine's resolver sees it."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING

from klokken.doctor.findings import Finding, judged
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Collection

    from klokken.topology import Topology

# No name of these is anybody's (RFC 2606): hosts and load generators know them by /etc/hosts.
NOBODYS = ("test", "example", "invalid", "localhost")


def names_of(site: Topology) -> list[str]:
    """Return the names that pupils' browsers ask for."""
    cells = range(1, site.tiers[Tier.DRIVE].count + 1)
    first = ["login", "portal", *(f"{Tier.DRIVE}{number}" for number in cells)]
    return [f"{name}.{site.domain}" for name in first]


def examine(site: Topology, front: Collection[str] = ()) -> list[Finding]:
    """Look up every name of the site; `front` is where they shall lead, where that is known."""
    names = names_of(site)
    if site.domain.rpartition(".")[2] in NOBODYS:
        text = f"{site.domain} is for tests: the hosts know its names, pupils' machines do not"
        return [Finding(topic="names", ready=True, text=text)]
    with ThreadPoolExecutor(len(names)) as pool:
        found = dict(zip(names, pool.map(_addresses, names), strict=True))
    lost = [name for name, addresses in found.items() if not addresses]
    problems = [f"{', '.join(lost)}: no address in DNS; let them lead to the edge"] if lost else []
    wanted = set(map(ip_address, front))
    astray = [name for name, there in found.items() if wanted and not _at(there) <= wanted]
    if astray:
        led, right = sorted(set().union(*(found[name] for name in astray))), sorted(front)
        problems.append(
            f"{', '.join(astray)}: lead to {', '.join(led)}, and the site is at"
            f" {', '.join(right)}; let them lead there"
        )
    lead = ", ".join(sorted({address for addresses in found.values() for address in addresses}))
    return judged("names", problems, f"{names[0]} and {len(names) - 1} more lead to {lead}")


def _addresses(name: str) -> set[str]:
    try:
        return {str(entry[4][0]) for entry in socket.getaddrinfo(name, 443)}
    except OSError:
        return set()


def _at(addresses: Collection[str]) -> set[IPv4Address | IPv6Address]:
    return {ip_address(address) for address in addresses}
