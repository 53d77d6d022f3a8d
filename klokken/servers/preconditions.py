"""Whether hosts have what their tiers need, before anything on them is changed."""

from __future__ import annotations

from ipaddress import AddressValueError, IPv4Address
from typing import TYPE_CHECKING

from klokken import deadline
from klokken.deadline import OverdueError
from klokken.errors import MachineError
from klokken.inventory import Host, Ways
from klokken.remote import Remote
from klokken.servers.facts import DATA, Facts, gather
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from ipaddress import IPv4Network
    from typing import Any

DEBIAN = "debian 13"
# Tokens, codes and certificates are judged by the clock; Keycloak's own leeway is none.
CLOCK_SECONDS = 5.0
# What each tier needs to be installed and to start, declared: MB of memory, GB of free disk. How
# large a host must be for a site's pupils is another question.
LEAST = {
    Tier.DATABASE: (900, 4.0),
    Tier.IDENTITY: (1800, 4.0),
    Tier.DRIVE: (900, 6.0),
    Tier.EDGE: (450, 2.0),
    Tier.METRICS: (450, 4.0),
    Tier.LOADGEN: (900, 4.0),
}
# The ports that a tier's services listen on, with those of every host.
PORTS = {
    Tier.DATABASE: {5432},
    Tier.IDENTITY: {7800, 8080, 9000, 9010, 57800},
    Tier.DRIVE: {389, 9200},
    Tier.EDGE: {80, 443, 8405},
    Tier.METRICS: {9090},
    Tier.LOADGEN: {5557, 8089},
}
EVERYWHERE = {9100, 9256}
# The role variable that names a cell's disk, which the role then mounts.
DEVICE = "volume_device"
# So many hosts are asked at once.
TOGETHER = 32


def remotes(own: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]) -> list[Remote]:
    """Return the hosts by the inventory variables of each, and those of all."""
    ways = Ways.model_validate({name: shared[name] for name in Ways.model_fields})
    return [Remote.to(name, Host.model_validate(dict(its)), ways) for name, its in own.items()]


def examine(hosts: Sequence[Remote]) -> dict[str, Facts | MachineError]:
    """Return the facts of every host, or why there are none; all are asked side by side."""

    def ask(host: Remote) -> Facts | MachineError:
        try:
            return gather(host)
        except OverdueError:
            raise
        except MachineError as error:
            return error

    with deadline.pool(min(len(hosts), TOGETHER)) as pool:
        return dict(zip((host.name for host in hosts), pool.map(ask, hosts), strict=True))


def problems(
    stack: str,
    found: Mapping[str, Facts | MachineError],
    own: Mapping[str, Mapping[str, Any]],
    management: Sequence[IPv4Network],
) -> list[str]:
    """Return a line for everything that keeps hosts from being adopted, with its mend."""
    lines = []
    for name, facts in found.items():
        if isinstance(facts, MachineError):
            lines.append(str(facts))
            continue
        tier = Tier(name.rstrip("0123456789"))
        lines += [f"{name}: {line}" for line in _of_system(facts)]
        lines += [f"{name}: {line}" for line in _of_size(tier, facts)]
        address = str(own[name]["site_address"])
        lines += [f"{name}: {line}" for line in _of_network(address, management, facts)]
        if tier is Tier.DRIVE and not (facts.data_volume or own[name].get(DEVICE)):
            lines.append(
                f"{name}: has no volume of its own at {DATA}; mount one there, or name a disk by"
                f" `{DEVICE}` in its `variables`"
            )
        lines += [f"{name}: {line}" for line in _of_others(stack, tier, facts)]
    return [*lines, *_twins(found)]


def require(
    stack: str,
    own: Mapping[str, Mapping[str, Any]],
    management: Sequence[IPv4Network],
    shared: Mapping[str, Any],
) -> dict[str, str]:
    """Return the machine id of every host; raise MachineError with a line for each problem."""
    found = examine(remotes(own, shared))
    if lines := problems(stack, found, own, management):
        raise MachineError("\n".join(lines))
    return {name: facts.machine for name, facts in found.items() if isinstance(facts, Facts)}


def _of_system(facts: Facts) -> Iterator[str]:
    if facts.release != DEBIAN:
        yield f"runs {facts.release}; install Debian 13, which the roles are made for"
    if not facts.root:
        yield "its SSH user is neither root nor may use sudo without a password; let it"
    if not facts.systemd:
        yield "its first process is not systemd on cgroup v2; boot Debian's own kernel and systemd"
    if not facts.python:
        yield "has no Python; run `apt-get install python3` there"
    if facts.clock_off > CLOCK_SECONDS:
        yield f"its clock is {facts.clock_off:.0f} s off; set it, and let chrony keep it"
    if facts.packages:
        yield f"{facts.packages}; give it one that it can reach, or a proxy, in /etc/apt"


def _of_size(tier: Tier, facts: Facts) -> Iterator[str]:
    memory, disk = LEAST[tier]
    if facts.memory_mb < memory:
        yield f"has {facts.memory_mb} MB of memory, the tier {tier} needs {memory}; give it more"
    # What is installed already has taken its share.
    if facts.disk_gb < disk and not facts.stack:
        has = f"{facts.disk_gb:.1f} GB free in /var"
        yield f"has {has}, the tier {tier} needs {disk:.0f}; make room"


def _of_network(address: str, management: Sequence[IPv4Network], facts: Facts) -> Iterator[str]:
    if address not in facts.addresses:
        has = ", ".join(sorted(facts.addresses)) or "none"
        yield f"has no address {address}, it has {has}; correct the list of hosts"
    if not _within(facts.seen_from, management):
        yield (
            f"sees this machine as {facts.seen_from}, which is in none of the networks of"
            " `management`: its firewall would shut us out; add a network that holds it"
        )


def _within(address: str, networks: Sequence[IPv4Network]) -> bool:
    try:
        return any(IPv4Address(address) in network for network in networks)
    except AddressValueError:
        return False


def _of_others(stack: str, tier: Tier, facts: Facts) -> Iterator[str]:
    if facts.stack:
        if facts.stack != stack:
            yield (
                f"belongs to the stack {facts.stack}; give another host, or take it out there by"
                f" `klokken down {facts.stack} --remove-from-hosts`"
            )
        return
    if taken := sorted(facts.ports & (PORTS[tier] | EVERYWHERE)):
        used = ", ".join(map(str, taken))
        yield f"ports in use already: {used}; stop what listens there, or give another host"
    if facts.own_firewall:
        yield (
            "/etc/nftables.conf has rules of its own, which would be replaced; move them to a file"
            " in /etc/nftables.d, which is read as well"
        )


def _twins(found: Mapping[str, Facts | MachineError]) -> Iterator[str]:
    """Yield a line for each host that is another one by another address."""
    first: dict[str, str] = {}
    for name, facts in found.items():
        if isinstance(facts, Facts) and first.setdefault(facts.machine, name) != name:
            yield (
                f"{name}: is the same machine as {first[facts.machine]}, or a copy of it; give each"
                " a host of its own, or run `systemd-machine-id-setup` there"
            )
