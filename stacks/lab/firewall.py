"""Firewalls of the machine that would keep a lab's packets from being forwarded.

Whatever one table accepts, another may still drop: the lab's own rules cannot open a way through
those of Docker, firewalld or a person.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klokken.errors import MachineError
from stacks.lab.shell import run

if TYPE_CHECKING:
    from collections.abc import Mapping

# What a bridge only passes on comes here as well, where bridge-nf-call-iptables is 1.
FAMILIES = ("ip", "inet")
OURS = "klokken_"
ENDS = {"drop", "reject"}
SAYS = {"counter", "log"}
# The tables of iptables' older kind, which nft does not see.
LEGACY = Path("/proc/net/ip_tables_names")


def require_way(bridge: str) -> None:
    """Raise MachineError when a firewall forwards nothing by itself, and does not name `bridge`."""
    if closed := _closed_by_nftables(bridge) or _closed_by_iptables(bridge):
        raise MachineError(
            f"this machine's firewall ({closed}) forwards nothing of {bridge}; let it, under"
            f" firewalld by `firewall-cmd --zone=trusted --add-interface={bridge}`, otherwise by"
            f" `iptables -I FORWARD -i {bridge} -j ACCEPT` and"
            f" `iptables -I FORWARD -o {bridge} -j ACCEPT`, then `up` again"
        )


def _closed_by_nftables(bridge: str) -> str:
    """Return the first chain that lets nothing of the bridge through, or an empty text."""
    listed = json.loads(run("nft", "--json", "list", "ruleset") or '{"nftables": []}')["nftables"]
    for chain in (item["chain"] for item in listed if "chain" in item):
        if chain.get("hook") != "forward" or chain["family"] not in FAMILIES:
            continue
        table = [item for item in listed if _of_table(item, chain)]
        ends = chain.get("policy") == "drop" or any(_ends_all(item, chain) for item in table)
        if ends and not chain["table"].startswith(OURS) and f'"{bridge}"' not in json.dumps(table):
            return f"table {chain['family']} {chain['table']}, chain {chain['name']}"
    return ""


def _of_table(item: Mapping[str, Any], chain: Mapping[str, Any]) -> bool:
    """Say whether a part of the rules is of the same table as a chain."""
    (part,) = item.values()
    return (part.get("family"), part.get("table")) == (chain["family"], chain["table"])


def _ends_all(item: Mapping[str, Any], chain: Mapping[str, Any]) -> bool:
    """Say whether a part is a rule of the chain that drops or rejects whatever comes to it."""
    rule = item.get("rule", {})
    does = [word for each in rule.get("expr", []) for word in each if word not in SAYS]
    return rule.get("chain") == chain["name"] and bool(does) and ENDS.issuperset(does)


def _closed_by_iptables(bridge: str) -> str:
    """Return the same of iptables' older kind."""
    there = LEGACY.exists() and "filter" in LEGACY.read_text().split()
    if not there or not shutil.which("iptables-legacy"):
        return ""
    shown = run("iptables-legacy", "-S").splitlines()
    named = any(bridge in line.split() for line in shown)
    return "iptables-legacy, chain FORWARD" if "-P FORWARD DROP" in shown and not named else ""
