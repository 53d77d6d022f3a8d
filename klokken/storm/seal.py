"""Whether load generators can reach the site's own hosts alone, read from their firewalls."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from klokken import loadgen
from klokken.errors import StormRefusedError
from klokken.remote import Remote
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.inventory import Inventory

# The role loadgen writes both chains: all that Locust's account sends goes through `seal`.
_CHAIN, _LEADS_THERE = "seal", "loadgen_output"
# The account's number, then the table.
_ASK = f"id -u {loadgen.ACCOUNT} && nft -j list table inet klokken"
_MEND = "run `klokken up`, which seals it"
# What a rule of the seal may do. Anything else, such as `return`, could lead out of it.
_STATEMENTS = frozenset({"match", "counter", "accept", "reject"})


def require(inventory: Inventory) -> None:
    """Raise StormRefusedError where a load generator could send to more than the site's hosts."""
    site = {str(host.site_address) for host in inventory.hosts().values()}
    hosts = Remote.of(inventory, Tier.LOADGEN)

    def read(host: Remote) -> str:
        return host.run(["sh", "-c", _ASK], root=True, check=False)

    with ThreadPoolExecutor(max(1, len(hosts))) as pool:
        for host, told in zip(hosts, pool.map(read, hosts), strict=True):
            account, _, listed = told.partition("\n")
            lets = reachable(listed, int(account)) if account.isdecimal() else None
            if lets is None:
                raise StormRefusedError(host.name, "seal", "is not in force", _MEND)
            if beyond := sorted(lets - site):
                problem = f"lets a storm out to {', '.join(beyond)}, no host of the stack"
                raise StormRefusedError(host.name, "seal", problem, _MEND)


def reachable(listed: str, account: int) -> frozenset[str] | None:
    """Return where the seal in a table, listed as JSON, lets `account` send; None where it is open.

    A rule that is not one of the role's kinds leaves the seal in doubt, and so open.
    """
    try:
        entries = json.loads(listed)["nftables"]
        chains = [entry["chain"] for entry in entries if "chain" in entry]
        rules = [entry["rule"] for entry in entries if "rule" in entry]
        seal = [rule["expr"] for rule in rules if rule["chain"] == _CHAIN]
        ways = [rule["expr"] for rule in rules if rule["chain"] == _LEADS_THERE]
        closed = bool(seal) and list(seal[-1][0]) == ["reject"]
        # Only what is asked first is asked of everything that is sent.
        led = _sees_all_output(chains) and ways[:1] == [_way(account)]
        if not (closed and led):
            return None
        open_to: set[str] = set()
        for expressions in seal:
            if any(set(each) - _STATEMENTS for each in expressions):
                return None
            if {"accept": None} in expressions:
                open_to |= _destinations(expressions)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return None
    return frozenset(open_to)


def _sees_all_output(chains: list[Any]) -> bool:
    """Say whether the kernel hands the chain that leads to the seal all that is sent."""
    hooks = [(c.get("type"), c.get("hook")) for c in chains if c["name"] == _LEADS_THERE]
    return hooks == [("filter", "output")]


def _way(account: int) -> list[Any]:
    """Return the rule that leads to the seal whatever `account` sends, and asks nothing else."""
    sender = {"op": "==", "left": {"meta": {"key": "skuid"}}, "right": account}
    return [{"match": sender}, {"jump": {"target": _CHAIN}}]


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
