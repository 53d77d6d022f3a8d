"""The load generator: ready to ring, silent until then, and sealed in the site's network."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from klokken.loadgen import ACCOUNT, CA_FILE
from klokken.paths import PROJECT
from klokken.storm.seal import reachable
from klokken.storm.stations import addresses
from klokken.topology import Tier
from tests.hosts.on_host import assert_hardened, python

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory

TIER = "loadgen"
LOCUST = "/opt/klokken/venv/bin/locust"
UNITS = ["klokken-master.service", "klokken-worker@1.service"]
# An address of the range for documentation, RFC 5737: it is nobody's.
NOBODY = "192.0.2.1"

# Prints what becomes of a TCP connection.
_CONNECT = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=3).close()
    print("open")
except ConnectionRefusedError:
    print("refused")
except OSError:
    print("no answer")
"""

# Prints whether a datagram may leave.
_ASK_NAME_SERVER = """
import socket, sys
try:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((sys.argv[1], 53))
        s.send(b"?")
    print("sent")
except PermissionError:
    print("refused")
"""


@pytest.mark.parametrize("unit", UNITS)
def test_unit_is_understood_and_hardened(host: Host, unit: str) -> None:
    assert_hardened(host, unit)


@pytest.mark.parametrize("unit", UNITS)
def test_nothing_rings_by_itself(host: Host, unit: str) -> None:
    assert host.run(f"systemctl is-enabled {unit}").stdout.strip() == "static"


def test_locust_starts_as_its_own_account(host: Host) -> None:
    done = host.run(f"runuser -u locust -- {LOCUST} --version")
    assert done.rc == 0, done.stderr


def test_the_lock_file_is_what_is_installed(host: Host) -> None:
    assert host.run("/opt/klokken/venv/bin/python -m pip check").rc == 0
    listed = host.run("/opt/klokken/venv/bin/python -m pip list --format=freeze").stdout
    locked = (PROJECT / "loadtests/requirements.lock").read_text()
    for name in ("locust", "gevent", "rtls", "pydantic"):
        version = re.search(rf"^{name}==(\S+)", locked, re.MULTILINE)
        assert version
        assert f"{name}=={version[1]}" in listed


def test_the_code_is_that_of_this_checkout(host: Host) -> None:
    for path in sorted(Path(PROJECT / "loadtests").glob("*.py")):
        there = host.file(f"/opt/klokken/code/loadtests/{path.name}").content_string
        assert there == path.read_text()


def test_the_password_is_for_root_alone(host: Host) -> None:
    file = host.file("/etc/klokken/credentials/pupils")
    assert (file.user, file.mode, file.size > 0) == ("root", 0o600, True)


def test_locust_reaches_the_edge(host: Host, inventory: Inventory) -> None:
    for edge in inventory.hosts(Tier.EDGE).values():
        assert python(host, _CONNECT, str(edge.site_address), "443", user="locust") == "open\n"


def test_the_host_has_every_address_that_pupils_come_from(host: Host, inventory: Inventory) -> None:
    there = host.run("hostname -I").stdout.split()
    own = [h for h in inventory.hosts(Tier.LOADGEN).values() if str(h.site_address) in there]
    assert [set(addresses(each)) - set(there) for each in own] == [set()]


def refusals(host: Host) -> int:
    """Return how many packets the seal has stopped."""
    chain = host.run("nft list chain inet klokken seal").stdout
    return int(chain.partition("counter packets ")[2].split()[0])


def test_the_seal_is_open_to_the_hosts_of_the_site_alone(host: Host, inventory: Inventory) -> None:
    account = int(host.check_output(f"id -u {ACCOUNT}"))
    lets = reachable(host.check_output("nft -j list table inet klokken"), account)
    assert lets == frozenset(str(other.site_address) for other in inventory.hosts().values())


def test_pupils_trust_the_sites_own_authority(host: Host) -> None:
    own = host.file("/etc/klokken/tls/ca.pem").content_string
    assert own.strip() in host.file(CA_FILE).content_string


def test_locust_is_refused_everything_beyond_the_site(host: Host) -> None:
    before = refusals(host)
    assert python(host, _CONNECT, NOBODY, "443", user="locust") == "refused\n"
    assert refusals(host) > before


def test_the_seal_holds_nobody_else(host: Host) -> None:
    before = refusals(host)
    python(host, _CONNECT, NOBODY, "443")
    assert refusals(host) == before


def test_locust_is_refused_name_servers(host: Host) -> None:
    before = refusals(host)
    assert python(host, _ASK_NAME_SERVER, NOBODY, user="locust") == "refused\n"
    assert refusals(host) > before
