"""The machine's own firewall, where it stands in the way of a lab."""

from __future__ import annotations

import json

from klokken.errors import MachineError
from stacks.lab.shell import run


def refuse_closed(bridge: str, network: str) -> None:
    """Raise MachineError where the machine drops what it forwards, and knows no lab.

    What the lab's own table accepts, another one still drops: that of Docker or ufw, say. Without
    this the lab's hosts would wait for package sources that they never reach.
    """
    for chain in _dropping():
        family, table, name = chain["family"], chain["table"], chain["name"]
        rules = run("nft", "list", "table", family, table)
        if bridge not in rules and network not in rules:
            accept = f"nft insert rule {family} {table} {name} iifname {bridge} accept"
            raise MachineError(
                f"nftables: chain {name} of table {family} {table} drops what the machine forwards,"
                f" the lab's too; let it by: `{accept}`, and the same with oifname"
            )


def _dropping() -> list[dict[str, str]]:
    """Return the chains that drop what is forwarded over IPv4 unless a rule accepts it."""
    listed = json.loads(run("nft", "-json", "list", "chains") or "{}").get("nftables", [])
    chains = [entry["chain"] for entry in listed if "chain" in entry]
    return [
        chain
        for chain in chains
        if chain.get("hook") == "forward"
        and chain.get("policy") == "drop"
        and chain["family"] != "ip6"
    ]
