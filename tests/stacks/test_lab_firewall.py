"""A lab is refused where the machine's own firewall would drop what its hosts send."""

from __future__ import annotations

import re
import shlex

import pytest

from klokken.errors import MachineError
from stacks.lab import firewall
from stacks.lab.firewall import refuse_closed
from tests.namespace import in_own_network

BRIDGE = "kl-lab"
NETWORK = "198.18.5.0/24"
# As Docker and ufw have it.
CLOSED = """
table ip filter {
  chain FORWARD {
    type filter hook forward priority filter; policy drop;
    %s
  }
}
"""
OPEN = """
table inet filter {
  chain input { type filter hook input priority filter; policy drop; }
  chain forward { type filter hook forward priority filter; policy accept; }
  chain aside {
    drop
  }
}
table ip6 filter {
  chain FORWARD { type filter hook forward priority filter; policy drop; }
}
"""


def refusal(monkeypatch: pytest.MonkeyPatch, rules: str, mend: str = "true") -> str:
    """Return why a lab is refused on a machine with these rules, `mend` done; "" if it is not."""

    def run(*argv: str) -> str:
        return in_own_network(f"nft -f - && {mend} && {shlex.join(argv)}", rules)

    monkeypatch.setattr(firewall, "run", run)
    try:
        refuse_closed(BRIDGE, NETWORK)
    except MachineError as error:
        return str(error)
    return ""


def test_a_machine_that_drops_what_it_forwards_is_told_so_with_a_mend_that_helps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = refusal(monkeypatch, CLOSED % "")
    assert "chain FORWARD of table ip filter drops what the machine forwards" in told
    (mend,) = re.findall("`(.+)`", told)
    assert not refusal(monkeypatch, CLOSED % "", mend)


@pytest.mark.parametrize("rule", [f'oifname "{BRIDGE}" accept', f"ip saddr {NETWORK} accept"])
def test_one_that_lets_the_lab_by_is_left_alone(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not refusal(monkeypatch, CLOSED % rule)


@pytest.mark.parametrize("rules", ["", OPEN], ids=["none", "open"])
def test_one_that_forwards_is_left_alone(rules: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not refusal(monkeypatch, rules)
