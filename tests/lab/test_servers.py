"""Servers that exist become a site: looked at, refused with reasons, adopted, and let go alive.

The tests stand in the order in which an administrator does these things.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from klokken.errors import Exit
from klokken.paths import site_folder
from klokken.servers.listing import known_hosts_path
from klokken.topology import Tier
from tests.lab import machine
from tests.lab.laboratory import changes, tiers_run
from tests.lab.metal import METAL, NETWORK, STACK, UNUSUAL, Metal
from tests.lab.stack import BRIEF_WARM_UP
from tests.roles.authority import PEBBLE

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.timeout(1800),
    # The servers live on when who started them has forgotten it, as hosts of a lab do.
    pytest.mark.filterwarnings(r"ignore:subprocess \d+ is still running:ResourceWarning"),
]
ALL_TIERS = {tier.value for tier in Tier}
SITE: dict[str, Any] = {
    "domain": "skole.test",
    "network": NETWORK,
    "accounts": 60,
    "tiers": {
        "drive": {"variables": {"drive_source": "module"}},
        "identity": {"variables": BRIEF_WARM_UP},
    },
}


@pytest.fixture(scope="module")
def metal() -> Iterator[Metal]:
    """Boot the servers and write what a person writes of them; take all away in the end."""
    assert os.geteuid() == 0, "the servers are containers of this machine: run the tests as root"
    Metal().remove()
    found = Metal()
    try:
        found.boot()
        found.configure(substrate="servers", site=SITE)
        found.list_hosts()
        assert found.klokken("init", STACK).returncode == 0
        # What a run that was killed has left in Pulumi's state.
        found.klokken("down", STACK)
        yield found
    finally:
        found.remove()
        assert machine.state(METAL) == found.before


@pytest.fixture(scope="module")
def online(metal: Metal) -> Iterator[None]:
    """Let the servers reach their package sources."""
    with metal.bare.network.gate(list(metal.addresses.values())):
        yield


def test_keys_that_nobody_knows_are_shown_and_not_believed(metal: Metal) -> None:
    done = metal.klokken("doctor", STACK)
    assert done.returncode == Exit.FAIL
    assert done.stdout.count("not known: SHA256:") == len(metal.addresses)
    assert not known_hosts_path(STACK).exists()
    refused = metal.klokken("up", STACK)
    assert refused.returncode == Exit.MACHINE
    assert "its host key is not known" in refused.stdout
    assert tiers_run(refused.stdout) == set()


def test_keys_are_believed_when_somebody_says_so(metal: Metal) -> None:
    done = metal.klokken("doctor", STACK, "--accept-host-keys")
    for name in metal.addresses:
        truth = (metal.bare.folder.hosts / name / "known_host").read_text().split()[2]
        assert f"{name}: accepted SHA256:" in done.stdout
        assert truth in known_hosts_path(STACK).read_text()


def test_everything_that_servers_lack_is_listed_at_once(metal: Metal) -> None:
    """Nobody has let them out to their package sources yet."""
    done = metal.klokken("up", STACK)
    assert done.returncode == Exit.MACHINE
    for name in metal.addresses:
        assert f"{name}: its first package source does not answer" in done.stdout
    assert tiers_run(done.stdout) == set()


def test_an_address_that_two_have_is_refused(metal: Metal) -> None:
    metal.list_hosts(drive1={"address": metal.addresses["edge1"]})
    done = metal.klokken("up", STACK)
    assert done.returncode == Exit.BAD_INPUT
    assert "hosts.edge1: 198.18.9.24 is the address of drive1 already" in done.stdout
    metal.list_hosts()


@pytest.mark.usefixtures("online")
def test_a_changed_host_key_is_refused(metal: Metal) -> None:
    path = known_hosts_path(STACK)
    before = path.read_text()
    one, other = (metal.addresses[name] for name in ("edge1", "drive1"))
    path.write_text(before.replace(f"{one} ", "gone ").replace(f"{other} ", f"{one} "))
    done = metal.klokken("up", STACK)
    path.write_text(before)
    assert done.returncode == Exit.MACHINE
    assert "edge1: cannot be reached: its host key is not the one that is known" in done.stdout
    assert "drive1: cannot be reached: its host key is not known" in done.stdout
    assert tiers_run(done.stdout) == set()


@pytest.fixture(scope="module")
def log(metal: Metal, online: None) -> str:
    """Adopt the servers, and see that they are as they shall be."""
    assert online is None
    assert metal.klokken("doctor", STACK).returncode == Exit.PASS
    return metal.up_and_checked()


def test_servers_become_a_site_that_passes_every_check(log: str) -> None:
    assert tiers_run(log) == ALL_TIERS


@pytest.mark.usefixtures("log")
def test_a_second_up_does_nothing(metal: Metal) -> None:
    assert tiers_run(metal.up()) == set()


@pytest.mark.usefixtures("log")
def test_going_over_every_server_again_changes_nothing(metal: Metal) -> None:
    metal.configure(revision=2)
    assert changes(metal.klokken("up", STACK).stdout) == dict.fromkeys(ALL_TIERS, 0)


@pytest.mark.usefixtures("log")
def test_ssh_is_open_to_the_networks_of_administrators_alone(metal: Metal) -> None:
    address = metal.addresses["database1"]
    try_it = f"timeout 3 bash -c '</dev/tcp/{address}/22' 2>/dev/null && echo open || echo closed"
    assert metal.ssh("edge1", try_it).strip() == "closed"
    assert metal.ssh("database1", "hostname").strip() == "srv-data"


@pytest.mark.usefixtures("log")
def test_no_storm_is_rung_at_a_site_that_does_not_allow_it(metal: Metal) -> None:
    done = metal.klokken("storm", "minute", "--stack", STACK)
    assert done.returncode == Exit.BAD_INPUT
    assert "storms" in done.stdout


@pytest.mark.usefixtures("log")
def test_no_storm_is_rung_by_a_load_generator_that_is_not_sealed(metal: Metal) -> None:
    metal.configure(storms=True)
    assert metal.klokken("up", STACK).returncode == 0
    for leak, said in (
        ("seal ip daddr 192.0.2.1 accept", "lets a storm out to 192.0.2.1, no host of the stack"),
        ("loadgen_output accept", "seal: is not in force"),
    ):
        metal.ssh("loadgen1", f"sudo nft insert rule inet klokken {leak}")
        done = metal.klokken("storm", "minute", "--stack", STACK, "--fraction", "0.02")
        metal.ssh("loadgen1", "sudo systemctl reload nftables")
        assert done.returncode == Exit.BAD_INPUT
        assert said in done.stdout


@pytest.mark.usefixtures("log")
def test_pupils_log_in_at_the_servers(metal: Metal) -> None:
    window = ("--from", "08:00:00", "--until", "08:00:20")
    done = metal.klokken("storm", "minute", "--stack", STACK, "--fraction", "0.1", *window)
    # A machine that others use too may make the generator late; that is no failed login.
    assert done.returncode in {Exit.PASS, Exit.INVALID}, done.stdout


# An authority that finds the edge by the names in its host's /etc/hosts, on port 80.
AUTHORITY = {
    "listenAddress": "0.0.0.0:14000",
    "managementListenAddress": "127.0.0.1:15000",
    "certificate": "/root/authority.pem",
    "privateKey": "/root/authority.key",
    "httpPort": 80,
    "tlsPort": 443,
    "ocspResponderURL": "",
}
FOUND_AUTHORITY = """
cd /root
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=metrics1 \\
  -addext subjectAltName=DNS:metrics1 -keyout /root/authority.key -out /root/authority.pem
chmod 755 /usr/local/bin/pebble
nft insert rule inet klokken input tcp dport 14000 accept
systemd-run --quiet --unit=authority --setenv=PEBBLE_VA_NOSLEEP=1 \\
  /usr/local/bin/pebble -config /root/authority.json
cat /root/authority.pem
"""


@pytest.mark.usefixtures("log")
def test_an_authority_certifies_the_edge_by_acme(metal: Metal) -> None:
    """Pebble runs on another of the hosts; HAProxy answers its challenge."""
    assert PEBBLE.exists(), "no Pebble here: run `make setup-test`"
    settings = json.dumps({"pebble": AUTHORITY}).encode()
    metal.ssh("metrics1", "sudo tee /usr/local/bin/pebble >/dev/null", PEBBLE.read_bytes())
    metal.ssh("metrics1", "sudo tee /root/authority.json >/dev/null", settings)
    trusted = metal.ssh("metrics1", "sudo sh -eus", FOUND_AUTHORITY.encode()).encode()
    metal.ssh("edge1", "sudo tee /usr/local/share/ca-certificates/it.crt >/dev/null", trusted)
    metal.ssh("edge1", "sudo update-ca-certificates >/dev/null 2>&1")
    acme = {"certificate_acme": {"directory": "https://metrics1:14000/dir"}}
    tiers = {**SITE["tiers"], "edge": {"variables": acme}}
    metal.configure(site={**SITE, "tiers": tiers})
    done = metal.klokken("up", STACK)
    assert done.returncode == 0, done.stdout[-3000:]
    assert tiers_run(done.stdout) == {"edge"}
    show = "openssl s_client -connect login.skole.test:443 </dev/null 2>/dev/null"
    assert "Pebble" in metal.ssh("edge1", f"{show} | openssl x509 -noout -issuer")


@pytest.mark.usefixtures("log")
def test_down_lets_the_servers_go_alive(metal: Metal) -> None:
    before = {name: metal.ssh(name, "cat /etc/machine-id") for name in metal.addresses}
    assert metal.klokken("down", STACK).returncode == 0
    assert {name: metal.ssh(name, "cat /etc/machine-id") for name in before} == before
    assert all(metal.host(name).running() for name in before)
    assert metal.ssh("edge1", "systemctl is-active haproxy").strip() == "active"
    assert metal.ssh(UNUSUAL, "systemctl is-active prometheus").strip() == "active"
    assert (site_folder(STACK) / "hosts.yml").exists()


@pytest.mark.usefixtures("log")
def test_what_the_stack_has_put_on_servers_goes_when_asked(metal: Metal) -> None:
    done = metal.klokken("down", STACK, "--remove-from-hosts", "--yes")
    assert done.returncode == 0
    assert "edge1: stops haproxy.service" in done.stdout
    gone = "ls -d /etc/klokken /etc/haproxy /opt/keycloak* /srv/data/drive /var/lib/postgresql"
    for name in metal.addresses:
        assert metal.ssh(name, f"{gone} 2>/dev/null || true") == ""
        assert "klokken" not in metal.ssh(name, "sudo nft list ruleset; cat /etc/hosts")
        assert metal.ssh(name, "systemctl --failed --no-legend --plain") == ""
