"""The drive: a cell that answers, closed to all but the edge, its data on a volume of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.hosts.on_host import assert_runs_hardened, get, listening

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory

TIER = "drive"
LDAP = "ldapsearch -x -H ldap://127.0.0.1 -b o=drive"


@pytest.fixture
def slapd(host: Host) -> None:
    """Skip where the cell has the embedded directory, and so no slapd nor a password for it."""
    if "LDAP_URI=" not in host.file("/etc/drive/drive.env").content_string:
        pytest.skip("the cell has the embedded directory")


def test_the_drive_runs(host: Host) -> None:
    assert_runs_hardened(host, "drive.service")


@pytest.mark.usefixtures("slapd")
def test_the_directory_runs(host: Host) -> None:
    assert_runs_hardened(host, "slapd.service")


def test_the_drive_answers(host: Host, inventory: Inventory, name: str) -> None:
    address = inventory.hosts()[name].site_address
    told = json.loads(get(host, f"http://{address}:9200/status.php"))
    assert told["installed"] is True
    assert told["maintenance"] is False


def test_only_the_port_of_the_edge_is_open(host: Host, inventory: Inventory, name: str) -> None:
    address = str(inventory.hosts()[name].site_address)
    sockets = host.check_output("ss -Hltnp | grep -E 'ocis|opencloud|slapd'").splitlines()
    outside = {line.split()[3] for line in sockets if not line.split()[3].startswith("127.0.0.1:")}
    assert outside == {f"{address}:9200"}


@pytest.mark.usefixtures("slapd")
def test_the_directory_is_for_this_host_alone(host: Host) -> None:
    assert listening(host, 389) == {"127.0.0.1"}


@pytest.mark.usefixtures("slapd")
def test_the_directory_tells_strangers_nothing(host: Host) -> None:
    assert host.run(LDAP).rc != 0
    assert host.run(f"{LDAP} -D cn=drive,o=drive -w wrong").rc != 0


def test_the_data_lie_on_a_volume_of_their_own(host: Host) -> None:
    volume = host.check_output("findmnt -no TARGET,FSTYPE -T /srv/data/drive").split()
    assert volume == ["/srv/data", "ext4"]


def test_what_belongs_to_the_drive_is_closed_to_others(host: Host) -> None:
    found = host.file("/srv/data/drive")
    assert (found.user, found.mode) == ("drive", 0o700)


@pytest.mark.usefixtures("slapd")
def test_what_belongs_to_the_directory_is_closed_to_others(host: Host) -> None:
    found = host.file("/srv/data/directory")
    assert (found.user, found.mode) == ("openldap", 0o700)
    # On the volume, and not below a mount that hides it.
    assert host.check_output("findmnt -no TARGET -T /srv/data/directory") == "/srv/data"


def test_secrets_are_for_root_alone(host: Host) -> None:
    file = host.file("/etc/drive/secrets.env")
    assert (file.user, file.mode) == ("root", 0o600)


@pytest.mark.usefixtures("slapd")
def test_no_secret_is_in_the_journal(host: Host) -> None:
    secret = host.file("/etc/drive/secrets.env").content_string.partition("=")[2].split()[0]
    assert secret not in host.check_output("journalctl -u drive -u slapd --no-pager -o cat")
