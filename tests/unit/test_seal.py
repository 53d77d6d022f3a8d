"""A storm is refused where a load generator could send anything beyond the site's hosts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klokken.errors import Exit, StormRefusedError
from klokken.storm import seal
from klokken.storm.seal import reachable
from tests.namespace import in_own_network
from tests.unit.site_of_folders import furnish
from tests.unit.test_plan import inventory

if TYPE_CHECKING:
    from pathlib import Path

RULES = """
table inet klokken {
  chain seal {
    oif lo accept
    ip daddr { 198.18.0.11, 198.18.0.71 } accept
    %s
    counter
    meta l4proto tcp reject with tcp reset
    reject with icmpx admin-prohibited
  }
  chain loadgen_output {
    type filter hook output priority filter + 1; policy accept;
    meta skuid root jump seal
  }
}
"""
ROOT = 0
OUTPUT = "meta skuid root jump seal"
REJECT = "reject with icmpx admin-prohibited"


def listed(rules: str) -> str:
    """Return what nft itself lists of these rules, loaded in a network namespace of their own."""
    return in_own_network("nft -f - && nft -j list table inet klokken", rules)


def test_the_seal_of_the_role_lets_the_hosts_of_the_site_through() -> None:
    assert reachable(listed(RULES % ""), ROOT) == frozenset({"198.18.0.11", "198.18.0.71"})


@pytest.mark.parametrize("network", ["10.0.0.0/8", "10.0.0.1-10.0.0.9", "10.0.0.1"])
def test_whatever_else_it_lets_through_is_seen(network: str) -> None:
    found = reachable(listed(RULES % f"ip daddr {network} accept"), ROOT)
    assert found is not None
    assert len(found) == 3


@pytest.mark.parametrize(
    "rules",
    [
        RULES % "accept",
        RULES % "return",
        RULES % "ip daddr 10.0.0.1 return",
        RULES % "meta mark set 1",
        RULES % "tcp dport 443 accept",
        RULES % "ip daddr != 10.0.0.1 accept",
        (RULES % "").replace(REJECT, "counter"),
        (RULES % "").replace(OUTPUT, "counter"),
        (RULES % "").replace(OUTPUT, "meta skuid root tcp dport 80 jump seal"),
        (RULES % "").replace(OUTPUT, f"accept\n    {OUTPUT}"),
        (RULES % "").replace(OUTPUT, f"ip daddr 10.0.0.1 accept\n    {OUTPUT}"),
        (RULES % "").replace(OUTPUT, "meta skuid != root jump seal"),
        (RULES % "").replace(OUTPUT, "meta skuid 1 jump seal"),
        (RULES % "").replace(OUTPUT, "meta skgid root jump seal"),
        (RULES % "").replace("hook output priority filter + 1", "hook input priority filter"),
        (RULES % "").replace("type filter hook output priority filter + 1; policy accept;", ""),
        "table inet klokken { }",
    ],
)
def test_a_seal_that_is_in_doubt_is_open(rules: str) -> None:
    assert reachable(listed(rules), ROOT) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.text() | JSON.map(json.dumps) | JSON.map(lambda v: json.dumps({"nftables": v})))
def test_what_is_no_list_of_rules_is_no_seal(text: str) -> None:
    assert reachable(text, ROOT) is None


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    furnish(tmp_path, monkeypatch)
    return monkeypatch


def test_a_sealed_load_generator_may_ring(host: pytest.MonkeyPatch) -> None:
    assert host
    seal.require(inventory())


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"SEAL": '{"set": ["198.18.0.71", "10.1.2.3"]}'}, "out to 10.1.2.3, no host of the stack"),
        ({"SEAL": '{"prefix": {"addr": "198.18.0.0", "len": 24}}'}, "198.18.0.0"),
        ({"JUMP": "elsewhere"}, "is not in force"),
        ({"HOOK": "input"}, "is not in force"),
        ({"LOCUST": "998"}, "is not in force"),
        ({"LOCUST": "no such user"}, "is not in force"),
    ],
)
def test_another_may_not(host: pytest.MonkeyPatch, settings: dict[str, Any], problem: str) -> None:
    for name, value in settings.items():
        host.setenv(name, value)
    with pytest.raises(StormRefusedError, match=problem) as refused:
        seal.require(inventory())
    assert refused.value.code == Exit.BAD_INPUT
    assert "run `klokken up`" in str(refused.value)
