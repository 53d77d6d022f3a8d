"""Whether load generators can reach the site's own hosts alone, read from their firewalls."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from klokken.errors import StormRefusedError
from klokken.remote import Remote
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.inventory import Inventory

# The role loadgen writes both chains: all that Locust's account sends goes through `seal`.
_TABLE = ["nft", "-j", "list", "table", "inet", "klokken"]
_CHAIN, _LEADS_THERE = "seal", "loadgen_output"
_MEND = "run `klokken up`, which seals it"


def require(inventory: Inventory) -> None:
    """Raise StormRefusedError where a load generator could send to more than the site's hosts."""
    site = {str(host.site_address) for host in inventory.hosts().values()}
    hosts = Remote.of(inventory, Tier.LOADGEN)

    def read(host: Remote) -> str:
        return host.run(_TABLE, root=True, check=False)

    with ThreadPoolExecutor(max(1, len(hosts))) as pool:
        for host, listed in zip(hosts, pool.map(read, hosts), strict=True):
            lets = reachable(listed)
            if lets is None:
                raise StormRefusedError(host.name, "seal", "is not in force", _MEND)
            if beyond := sorted(lets - site):
                problem = f"lets a storm out to {', '.join(beyond)}, no host of the stack"
                raise StormRefusedError(host.name, "seal", problem, _MEND)


def reachable(listed: str) -> frozenset[str] | None:
    """Return where the seal in a table, listed as JSON, lets Locust send; None where it is open.

    A rule that is not one of the role's kinds leaves the seal in doubt, and so open.
    """
    try:
        entries = json.loads(listed)["nftables"]
        rules = [entry["rule"] for entry in entries if "rule" in entry]
        chain = [rule["expr"] for rule in rules if rule["chain"] == _CHAIN]
        ways = [rule["expr"] for rule in rules if rule["chain"] == _LEADS_THERE]
        closed = bool(chain) and list(chain[-1][0]) == ["reject"]
        led = any(_only_account(way) and way[-1] == {"jump": {"target": _CHAIN}} for way in ways)
        if not (closed and led):
            return None
        open_to: set[str] = set()
        for expressions in chain:
            if {"accept": None} in expressions:
                open_to |= _destinations(expressions)
    except (KeyError, TypeError, ValueError, IndexError):
        return None
    return frozenset(open_to)


def _only_account(expressions: list[Any]) -> bool:
    """Say whether a rule asks for the account that sends, and for nothing else."""
    asked = [e["match"]["left"] for e in expressions[:-1]]
    return asked == [{"meta": {"key": "skuid"}}]


def _destinations(expressions: list[Any]) -> set[str]:
    """Return the addresses that an accepting rule is for; raise ValueError for another rule."""
    matches = [e["match"] for e in expressions if "match" in e]
    if [(m["op"], m["left"], m["right"]) for m in matches] == [
        ("==", {"meta": {"key": "oif"}}, "lo")
    ]:
        return set()
    (match,) = matches
    if match["op"] != "==" or match["left"] != {"payload": {"protocol": "ip", "field": "daddr"}}:
        raise ValueError("a rule that the role did not write")
    right = match["right"]
    addresses = right["set"] if isinstance(right, dict) and "set" in right else [right]
    return {each if isinstance(each, str) else json.dumps(each) for each in addresses}
