"""What own servers still lack before they can be adopted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.doctor.findings import Finding, judged
from klokken.doctor.shares import cost_of
from klokken.errors import InputError
from klokken.servers import keys
from klokken.servers.facts import Facts
from klokken.servers.listing import ServerList
from klokken.servers.preconditions import examine, problems, remotes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from klokken.doctor.findings import Cost
    from klokken.errors import MachineError
    from klokken.servers.keys import Shown
    from klokken.topology import Topology


def look(
    stack: str, site: Topology, today: date, *, accept: bool
) -> tuple[list[Finding], Cost | None]:
    """Look at the list of hosts, their keys and the hosts themselves, and reckon what they cost.

    With `accept`, the keys of hosts whose keys nobody knows yet are taken for theirs.
    """
    try:
        listed = ServerList.read(stack, site)
    except InputError as error:
        return judged("hosts", [str(error)], ""), None
    if not listed.ssh.key.exists():
        text = f"{listed.ssh.key}: there is no such file; make it by `ssh-keygen -t ed25519`"
        return [Finding(topic="SSH key", ready=False, text=text)], None
    known, of_keys = _keys(stack, listed, accept=accept)
    own = {name: listed.variables(name) for name in listed.hosts if name in known}
    found = examine(remotes(own, listed.shared(stack))) if own else {}
    wrong = problems(stack, found, own, listed.management)
    of_hosts = judged("hosts", wrong, f"{len(found)} have what they need") if found else []
    return [*of_keys, *of_hosts], _cost(found, listed.hosts, today)


def _keys(stack: str, listed: ServerList, *, accept: bool) -> tuple[Collection[str], list[Finding]]:
    """Return whose keys are known now, and what there is to say of them."""
    hosts = keys.shown(stack, listed)
    new = keys.accept(stack, hosts) if accept else []
    findings = [Finding(topic="host key", ready=True, text=_accepted(host)) for host in new]
    known = {host.name for host in hosts if host.is_known} | {host.name for host in new}
    wrong = [host.problem or _unknown(host) for host in hosts if host.name not in known]
    return known, findings + judged("host keys", wrong, f"{len(known)} known")


def _accepted(host: Shown) -> str:
    return f"{host.name}: accepted {', '.join(keys.fingerprints(host.keys))}"


def _unknown(host: Shown) -> str:
    return (
        f"{host.name}: not known: {', '.join(keys.fingerprints(host.keys))}; compare with"
        " `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` there, then give --accept-host-keys"
    )


def _cost(
    found: Mapping[str, Facts | MachineError], hosts: Collection[str], today: date
) -> Cost | None:
    """Return what the hosts cost by the rule for own servers: their cores' share of a server."""
    seen = [facts.cores for facts in found.values() if isinstance(facts, Facts)]
    if len(seen) < len(hosts):
        return None
    return cost_of(sum(seen), today)
