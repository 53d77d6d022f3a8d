"""A certificate of a public authority for several edges, whom the site's own DNS answers.

The authority is a real one on loopback, and the role's own tasks change the name server.
"""

from __future__ import annotations

import base64
import math
import re
import secrets
from typing import TYPE_CHECKING

import pytest

from tests.doubles.nameserver import NameServer, answering
from tests.roles.authority import Edge, authority
from tests.roles.edges import NAMES, Site, names, require_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]
ZONE, KEY_NAME = "skole.example", "klokken"


def new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


KEY = new_key()


class Unasked(Edge):
    """Port 80 of the edge."""

    asked: list[str] = []  # noqa: RUF012 - the server makes an instance a request


@pytest.fixture(scope="module")
def server() -> NameServer:
    return NameServer(ZONE, {KEY_NAME: KEY})


@pytest.fixture(scope="module")
def site(server: NameServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Have an authority that asks `server`, and two edges that may change it."""
    require_programs()
    folder = tmp_path_factory.mktemp("acme")
    with answering(server) as port, authority(folder, Unasked, port) as (directory, trusted):
        dns = {"server": "127.0.0.1", "port": port, "zone": ZONE, "key_name": KEY_NAME, "wait": 2}
        acme = {"directory": directory, "challenge": "dns-01", "dns": dns}
        given = {"certificate_acme": acme, "site_secret_dns_key": KEY}
        found = Site(folder, trusted, "edge1", "edge2", **given)
        made = found.run("authority")
        assert made.returncode == 0, made.stdout
        yield found


@pytest.fixture(autouse=True)
def quiet(server: NameServer) -> Iterator[None]:
    """Have a server that lets its key change all and answers, and see that nothing is left."""
    server.most.clear()
    server.locked = set()
    server.tells = math.inf
    yield
    assert server.texts() == set()


def told(output: str) -> str:
    """Return what a run said, with its white space made one."""
    return " ".join(output.split())


def test_a_wrong_key_is_refused_in_one_line_that_does_not_show_it(
    site: Site, server: NameServer
) -> None:
    wrong = new_key()
    done = site.run("acme", site_secret_dns_key=wrong)
    assert done.returncode != 0
    line = (
        f"certificate_acme.dns: 127.0.0.1 does not take TXT records of {ZONE}: TSIG update error"
        " (PeerBadSignature): The peer didn't like the signature we sent; correct key_name,"
        " key_algorithm and klokken:dns_key, or let this key change them"
    )
    # Nothing of it on a line of its own.
    assert line in done.stdout + done.stderr
    assert "does not remove" not in done.stdout
    assert wrong not in done.stdout + done.stderr
    assert server.most == {}


def test_an_unknown_key_is_refused_too(site: Site) -> None:
    acme = site.variables["certificate_acme"]
    done = site.run("acme", certificate_acme={**acme, "dns": {**acme["dns"], "key_name": "other"}})
    assert done.returncode != 0
    assert "The peer didn't know the key we used; correct key_name" in told(done.stdout)


def test_what_the_key_may_change_is_cleared_when_it_may_not_change_all(
    site: Site, server: NameServer
) -> None:
    server.locked = {f"_acme-challenge.{NAMES[0]}"}
    done = site.run("acme")
    assert done.returncode != 0
    said = "Failed to create DNS record (rc: 5), REFUSED; correct key_name, key_algorithm"
    assert said in done.stdout + done.stderr
    assert set(server.most) == {f"_acme-challenge.{name}" for name in NAMES[1:]}


@pytest.mark.parametrize(
    ("answers", "silent"), [(math.inf, ["127.0.0.2"]), (0, ["127.0.0.1", "127.0.0.2"])]
)
def test_a_record_that_never_appears_is_not_waited_for_without_end(
    site: Site, server: NameServer, answers: float, silent: list[str]
) -> None:
    server.tells = answers
    acme = site.variables["certificate_acme"]
    dns = {**acme["dns"], "secondaries": ["127.0.0.2"]}
    done = site.run("acme", certificate_acme={**acme, "dns": dns})
    assert done.returncode != 0
    line = (
        r"certificate_acme\.dns: (\S+) does not answer with the TXT record _acme-challenge\."
        r"[a-z0-9]+\.skole\.example within 2 s; see that it serves skole\.example, or raise `wait`"
    )
    assert sorted(set(re.findall(line, told(done.stdout)))) == silent
    assert set(server.most) == {f"_acme-challenge.{name}" for name in NAMES}
    assert KEY not in done.stdout + done.stderr


def test_an_authority_that_asks_in_vain_is_told_of(site: Site, server: NameServer) -> None:
    # The controller asks once, and the authority after it.
    server.tells = 1
    done = site.run("acme")
    assert done.returncode != 0
    said = told(done.stdout)
    assert "the name servers of login.skole.example, " in said
    assert "must answer everybody with what 127.0.0.1 was told" in said


def test_every_edge_gets_one_for_the_public_names(site: Site, server: NameServer) -> None:
    done = site.run("acme")
    assert done.returncode == 0, done.stdout
    issued = site.certificate()
    assert sorted(names(issued)) == sorted(NAMES)
    assert "Pebble" in issued.issuer.rfc4514_string()
    # Each of the two edges had an order, and a value of its own, for each name.
    assert server.most == {f"_acme-challenge.{name}": 2 for name in NAMES}
    assert Unasked.asked == []
    assert KEY not in done.stdout + done.stderr


def test_one_that_is_valid_for_long_is_not_asked_for_again(site: Site, server: NameServer) -> None:
    done = site.run("acme")
    assert re.findall(r"changed=(\d+)", done.stdout) == ["0", "0"], done.stdout
    assert server.most == {}


def test_a_wildcard_is_for_every_cell_there_will_be(site: Site, server: NameServer) -> None:
    done = site.run("acme", certificate_names=[f"*.{ZONE}"])
    assert done.returncode == 0, done.stdout
    assert names(site.certificate()) == [f"*.{ZONE}"]
    assert server.most == {f"_acme-challenge.{ZONE}": 2}
