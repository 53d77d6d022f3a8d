"""A machine whose firewall forwards nothing is refused before hosts are made, in one line."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from klokken.errors import MachineError
from stacks.lab import firewall
from stacks.lab.firewall import require_way
from tests.namespace import in_own_network

if TYPE_CHECKING:
    from pathlib import Path

BRIDGE = "kl-lab"
LIST = "nft -f -; nft --json list ruleset"
DOCKER = """
table ip filter {
  chain DOCKER-USER { OWN }
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    counter jump DOCKER-USER
    oifname "docker0" counter accept
  }
}
"""
FIREWALLD = """
table inet firewalld {
  chain filter_FORWARD_ZONES { OWN }
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state established,related accept
    ct state invalid drop
    jump filter_FORWARD_ZONES
    counter reject with icmpx admin-prohibited
  }
}
"""
# Another lab's; one that drops what is none of ours; what comes in; and another protocol.
HARMLESS = """
table inet klokken_other {
  chain forward { type filter hook forward priority filter; policy drop; }
}
table inet filter {
  chain forward { type filter hook forward priority filter; iifname "eth1" drop; }
  chain input { type filter hook input priority filter; policy drop; }
}
table ip6 filter {
  chain forward { type filter hook forward priority filter; policy drop; }
}
"""


def with_own(rules: str, own: str = "") -> str:
    """Return a firewall in which a person has put a rule of their own, or none."""
    return rules.replace("OWN", own)


LET_THROUGH = f'iifname "{BRIDGE}" accept;'


class Machine:
    """A machine with firewalls."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.legacy = folder / "ip_tables_names"
        self.answers = {"nft": "", "iptables-legacy": ""}
        monkeypatch.setattr(firewall, "LEGACY", self.legacy)
        monkeypatch.setattr(firewall, "run", lambda *argv: self.answers[argv[0]])

    def nftables(self, rules: str) -> None:
        self.answers["nft"] = in_own_network(LIST, rules)

    def iptables(self, *rules: str) -> None:
        self.legacy.write_text("nat\nfilter\n")
        self.answers["iptables-legacy"] = "\n".join(rules) + "\n"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("rules", "place"),
    [
        (with_own(DOCKER), "(table ip filter, chain FORWARD)"),
        (with_own(FIREWALLD), "(table inet firewalld, chain filter_FORWARD)"),
    ],
    ids=["docker", "firewalld"],
)
def test_who_forwards_nothing_is_named_with_the_mend(
    machine: Machine, rules: str, place: str
) -> None:
    machine.nftables(rules)
    with pytest.raises(MachineError) as refused:
        require_way(BRIDGE)
    said = str(refused.value)
    assert place in said
    assert f"iptables -I FORWARD -i {BRIDGE} -j ACCEPT" in said
    assert f"--add-interface={BRIDGE}" in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "rules",
    ["", HARMLESS, with_own(DOCKER, LET_THROUGH), with_own(FIREWALLD, LET_THROUGH)],
    ids=["none", "harmless", "docker that lets through", "firewalld that lets through"],
)
def test_a_way_that_is_open_is_no_reason(machine: Machine, rules: str) -> None:
    machine.nftables(rules)
    require_way(BRIDGE)


def test_the_older_kind_of_iptables_is_asked_too(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name)
    machine.iptables("-P INPUT ACCEPT", "-P FORWARD DROP", "-A FORWARD -i br0 -j ACCEPT")
    with pytest.raises(MachineError, match="iptables-legacy, chain FORWARD"):
        require_way(BRIDGE)
    machine.iptables("-P FORWARD DROP", f"-A FORWARD -i {BRIDGE} -j ACCEPT")
    require_way(BRIDGE)
