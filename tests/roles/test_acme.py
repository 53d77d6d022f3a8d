"""A certificate of a public authority for the edge, issued by a real ACME server on loopback."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from tests.doubles.nameserver import NameServer, answering
from tests.roles.authority import Edge, authority
from tests.roles.edges import NAMES, Site, names, require_programs

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(300)]


class Answering(Edge):
    """The edge of this test."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Have an authority, and an edge with the first certificate, of the site's own authority."""
    require_programs()
    folder = tmp_path_factory.mktemp("acme")
    Answering.asked = []
    with (
        answering(NameServer("skole.example")) as port,
        authority(folder, Answering, port) as (directory, trusted),
    ):
        acme = {"directory": directory, "contact": "drift@skole.example"}
        found = Site(folder, trusted, "edge1", certificate_acme=acme)
        Answering.thumbprint = found.secrets["acme_thumbprint"]
        yield found


def test_an_edge_that_nobody_finds_is_told_so_and_keeps_its_first_certificate(site: Site) -> None:
    Answering.thumbprint = "of-somebody-else"
    done = site.run("authority", "acme")
    Answering.thumbprint = site.secrets["acme_thumbprint"]
    assert done.returncode != 0
    said = " ".join(done.stdout.split())
    assert re.search(r"port 80 of login\.skole\.example, .* must lead to the edge", said)
    assert names(site.certificate()) == ["edge1", *NAMES]
    assert site.secrets["acme_key"].splitlines()[1] not in done.stdout


def test_a_public_authority_issues_it_for_the_public_names(site: Site) -> None:
    done = site.run("acme")
    assert done.returncode == 0, done.stdout
    issued = site.certificate()
    assert sorted(names(issued)) == sorted(NAMES)
    assert "Pebble" in issued.issuer.rfc4514_string()
    key = load_pem_private_key((site.folder / "kept/key.pem").read_bytes(), None)
    assert key.public_key() == issued.public_key()
    assert (
        len(x509.load_pem_x509_certificates((site.folder / "kept/fullchain.pem").read_bytes())) > 1
    )
    assert all(path.startswith("/.well-known/acme-challenge/") for path in Answering.asked)


def test_one_that_is_valid_for_long_is_not_asked_for_again(site: Site) -> None:
    before = site.certificate().serial_number
    done = site.run("acme")
    assert "changed=0" in done.stdout
    assert site.certificate().serial_number == before
