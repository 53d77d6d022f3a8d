"""A lab's own network: a bridge, and rules that keep its hosts in."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Any

from klokken import deadline
from klokken.errors import MachineError
from klokken.paths import LABS
from stacks.lab.firewall import require_way
from stacks.lab.shell import run

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# The file in a lab's folder that says which range its network was made for.
RECORD = "network"
LINKS = Path("/sys/class/net")
FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
# What it was before the first lab, for the last one to restore.
FORWARD_BEFORE = LABS / ".ip_forward"
# A route of the worst metric: when the bridge is gone, nothing of the lab's range leaves
# the machine by its default route. It is said to be the kernel's own: systemd-networkd takes away
# any other that it has not made, whenever it configures a link.
LAST_RESORT = ("metric", "4294967295", "proto", "kernel")
# Long enough for the longest installation, and the gate still closes by itself.
GATE_TIMEOUT = "40m"


class LabNetwork:
    """The bridge of one lab, with the machine's address on it and its nftables table."""

    def __init__(self, stack: str, network: str) -> None:
        """Name the network of `stack`; nothing is made."""
        self.stack = stack
        self.network = IPv4Network(network)
        self.bridge = bridge_name(stack)
        self.table = f"klokken_{stack.replace('-', '_')}"
        self.gateway = str(self.network[1])
        # Written before anything is made: what is there without it is somebody else's.
        self._record = LABS / stack / RECORD

    def exists(self) -> bool:
        """Say whether bridge and rules are both there."""
        return self._own_address() == self.gateway and self._has_table()

    def make(self) -> None:
        """Make bridge, routes and rules; raise MachineError when the machine leaves no room."""
        if not self.exists():
            self._refuse_taken()
        require_way(self.bridge)
        self._record.write_text(f"{self.network}\n")
        if not self._has_bridge():
            run("ip", "link", "add", self.bridge, "type", "bridge")
        if self._own_address() != self.gateway:
            address = f"{self.gateway}/{self.network.prefixlen}"
            run("ip", "address", "add", address, "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")
        run("ip", "route", "replace", "unreachable", str(self.network), *LAST_RESORT)
        if not FORWARD_BEFORE.exists():
            FORWARD_BEFORE.write_text(FORWARD.read_text())
        FORWARD.write_text("1")
        run("nft", "-f", "-", stdin=self._rules())

    def remove(self) -> None:
        """Remove rules, routes and bridge of this lab; what is gone already is no error."""
        if self._has_bridge() and self._is_ours():
            run("ip", "link", "delete", self.bridge)
        # Without a record there was no route, and another lab's may be of the same range.
        if self._record.exists():
            with suppress(MachineError):
                run("ip", "route", "del", "unreachable", str(self.network))
        if self._has_table():
            run("nft", "delete", "table", "inet", self.table)
        self._record.unlink(missing_ok=True)
        if FORWARD_BEFORE.exists() and not any(LABS.glob(f"*/{RECORD}")):
            FORWARD.write_text(FORWARD_BEFORE.read_text())
            FORWARD_BEFORE.unlink()

    @contextmanager
    def gate(self, addresses: Sequence[str]) -> Iterator[None]:
        """Let these hosts reach package sources, and nothing else outside, for as long as held."""
        elements = "{ " + ", ".join(f"{a} timeout {GATE_TIMEOUT}" for a in addresses) + " }"
        keys = "{ " + ", ".join(addresses) + " }"
        target = ("inet", self.table, "installing")
        with suppress(MachineError):
            run("nft", "delete", "element", *target, keys)
        run("nft", "add", "element", *target, elements)
        try:
            yield
        finally:
            with deadline.lifted(), suppress(MachineError):
                run("nft", "delete", "element", *target, keys)

    def _rules(self) -> str:
        """Return the table: hosts talk to each other; outside only while the gate is open."""
        return f"""
table inet {self.table}
delete table inet {self.table}
table inet {self.table} {{
  set installing {{ type ipv4_addr; flags timeout; }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    iifname "{self.bridge}" oifname "{self.bridge}" accept
    oifname "{self.bridge}" ct state established,related accept
    iifname "{self.bridge}" ct state established,related accept
    iifname "{self.bridge}" ip saddr @installing tcp dport {{ 53, 80, 443 }} accept
    iifname "{self.bridge}" ip saddr @installing udp dport 53 accept
    iifname "{self.bridge}" reject with icmpx admin-prohibited
    oifname "{self.bridge}" drop
  }}
  chain input {{
    type filter hook input priority filter; policy accept;
    iifname "{self.bridge}" ct state established,related accept
    iifname "{self.bridge}" ip protocol icmp accept
    iifname "{self.bridge}" drop
  }}
  chain postrouting {{
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr {self.network} oifname != "{self.bridge}" masquerade
  }}
}}
"""

    def _refuse_taken(self) -> None:
        """Raise MachineError when the bridge's name or the address range is somebody else's."""
        ours = self._is_ours() and self._own_address() in (None, self.gateway)
        if self._has_bridge() and not ours:
            raise MachineError(f"bridge {self.bridge}: already in use; choose another stack name")
        for route in json.loads(run("ip", "-json", "-4", "route", "show", "table", "all") or "[]"):
            if route.get("dev") == self.bridge or route.get("type") in ("unreachable", "broadcast"):
                continue
            if route["dst"] != "default" and ip_network(route["dst"]).overlaps(self.network):
                raise MachineError(
                    f"klokken:site.network: {self.network} is already in use on this machine "
                    f"by {route.get('dev', 'a route')}; choose another /24"
                )

    def _is_ours(self) -> bool:
        """Say whether a bridge of the lab's name is the lab's own.

        The rules say so too: the folder with the record may have been deleted by hand.
        """
        return self._record.exists() or self._has_table()

    def _has_bridge(self) -> bool:
        return (LINKS / self.bridge).exists()

    def _own_address(self) -> str | None:
        if not self._has_bridge():
            return None
        shown: list[dict[str, Any]] = json.loads(
            run("ip", "-json", "-4", "address", "show", "dev", self.bridge) or "[]"
        )
        addresses = [a["local"] for link in shown for a in link.get("addr_info", [])]
        return addresses[0] if addresses else None

    def _has_table(self) -> bool:
        return f"table inet {self.table}\n" in run("nft", "list", "tables") + "\n"


def bridge_name(stack: str) -> str:
    """Return the bridge of a stack, within the 15 characters that Linux allows."""
    return f"kl-{stack}"
