"""What every host of a site has in common."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from klokken.topology import Tier

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory


def input_rules(host: Host) -> list[dict[str, Any]]:
    """Return the rules of the chain `input`."""
    listed = json.loads(host.check_output("nft -j list chain inet klokken input"))
    return [entry["rule"] for entry in listed["nftables"] if "rule" in entry]


def test_the_host_runs_without_a_failed_unit(host: Host) -> None:
    assert host.check_output("systemctl --failed --no-legend --plain") == ""


@pytest.mark.parametrize("chain", ["input", "forward"])
def test_what_is_not_named_is_dropped(host: Host, chain: str) -> None:
    listed = json.loads(host.check_output(f"nft -j list chain inet klokken {chain}"))
    (policy,) = [e["chain"]["policy"] for e in listed["nftables"] if "chain" in e]
    assert policy == "drop"


def test_the_firewall_comes_with_the_boot(host: Host) -> None:
    assert host.service("nftables.service").is_enabled
    assert host.run("nft -c -f /etc/nftables.conf").rc == 0


def test_only_named_ports_are_open_to_everybody(
    host: Host, inventory: Inventory, name: str
) -> None:
    tier = name.rstrip("0123456789")
    # SSH may be for some networks only, and then it is in no rule for all.
    ssh = set() if inventory.site.site_management else {inventory.hosts()[name].ansible_port}
    anybody = {
        rule["expr"][0]["match"]["right"]
        for rule in input_rules(host)
        if len(rule["expr"]) == 2 and "dport" in str(rule["expr"])
    }
    assert anybody == ssh | ({80, 443} if tier == "edge" else set())


@pytest.mark.parametrize(
    "setting",
    [
        "authenticationmethods publickey",
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitrootlogin without-password",
        "permitemptypasswords no",
        "x11forwarding no",
        "allowagentforwarding no",
        "allowtcpforwarding local",
    ],
)
def test_ssh_takes_keys_only(host: Host, setting: str) -> None:
    assert setting in host.check_output("sshd -T").lower().splitlines()


def test_every_host_knows_every_other_by_name(host: Host, inventory: Inventory) -> None:
    for name, other in inventory.hosts().items():
        assert host.addr(name).ipv4_addresses == [str(other.site_address)]


def test_the_names_of_the_site_lead_to_the_edge(host: Host, inventory: Inventory) -> None:
    edges = {str(edge.site_address) for edge in inventory.hosts(Tier.EDGE).values()}
    for name in ("login", "portal", *inventory.hosts(Tier.DRIVE)):
        found = host.addr(f"{name}.{inventory.site.site_domain}").ipv4_addresses
        assert set(found) == edges


def test_the_sites_authority_is_there_to_be_trusted(host: Host) -> None:
    file = host.file("/etc/klokken/tls/ca.pem")
    assert file.mode == 0o644
    assert "CA:TRUE" in host.check_output("openssl x509 -noout -text -in /etc/klokken/tls/ca.pem")


def test_no_private_key_can_be_read_by_others(host: Host) -> None:
    found = host.check_output("find /etc -xdev -type f -perm /o+r -name '*key*.pem'")
    assert found == ""


def test_the_journal_has_limits(host: Host) -> None:
    settings = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert "SystemMaxUse=500M" in settings
    assert "MaxRetentionSec=30day" in settings


def test_time_is_kept(host: Host) -> None:
    chrony = host.service("chrony.service")
    assert chrony.is_enabled
    # In a container it yields to the clock of the machine.
    container = host.run("systemd-detect-virt --container").rc == 0
    assert chrony.is_running or container


def test_a_busy_host_can_queue_connections(host: Host) -> None:
    assert host.sysctl("net.core.somaxconn") >= 4096
    assert host.sysctl("net.ipv4.tcp_syncookies") == 1


def test_every_named_unit_exists(host: Host) -> None:
    for unit in host.check_output("cat /etc/klokken/units.d/*").split():
        plain = f"--no-legend --plain '{unit}'"
        known = host.check_output(f"systemctl list-unit-files {plain}; "
                                  f"systemctl list-units --all {plain}")  # fmt: skip
        assert known, unit
