"""What a stack still lacks is told before anything is bought, and what it costs a month."""

from __future__ import annotations

import datetime as dt
import io
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from klokken.doctor import certificates, names
from klokken.topology import Topology

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.doctor.findings import Finding

TODAY = dt.date(2026, 11, 22)
TOKEN = "t" * 64


def site(domain: str = "skole.dk", **edge: Any) -> Topology:
    tiers = {"edge": {"variables": edge}, "drive": {"count": 2, "volume_gb": 100}}
    body = {"domain": domain, "network": "10.20.0.0/24", "accounts": 10, "tiers": tiers}
    return Topology.model_validate(body)


def missing(found: list[Finding]) -> list[str]:
    return [finding.text for finding in found if not finding.ready]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Have a name service that knows what the test says."""
    known: dict[str, str] = {}

    def look_up(name: str, _port: int) -> list[tuple[Any, ...]]:
        if name not in known:
            raise OSError(name)
        return [(None, None, None, "", (known[name], 443))]

    monkeypatch.setattr("socket.getaddrinfo", look_up)
    return known


def test_names_that_lead_nowhere_are_listed(resolver: dict[str, str]) -> None:
    resolver |= {"login.skole.dk": "192.0.2.1", "portal.skole.dk": "192.0.2.1"}
    (line,) = missing(names.examine(site()))
    assert line == "drive1.skole.dk, drive2.skole.dk: no address in DNS; let them lead to the edge"
    resolver |= {"drive1.skole.dk": "192.0.2.1", "drive2.skole.dk": "192.0.2.2"}
    (found,) = names.examine(site())
    assert found.ready
    assert "lead to 192.0.2.1, 192.0.2.2" in found.text


def test_names_that_lead_elsewhere_than_to_the_site_are_told(resolver: dict[str, str]) -> None:
    front = {"192.0.2.1", "2001:db8::1"}
    resolver |= dict.fromkeys(EVERY_NAME, "2001:db8:0::1")
    assert missing(names.examine(site(), front)) == []
    resolver["drive2.skole.dk"] = "198.51.100.9"
    (line,) = missing(names.examine(site(), front))
    assert line == (
        "drive2.skole.dk: lead to 198.51.100.9, and the site is at 192.0.2.1, 2001:db8::1;"
        " let them lead there"
    )


def test_a_domain_that_is_for_tests_is_not_looked_up(resolver: dict[str, str]) -> None:
    assert resolver == {}
    assert missing(names.examine(site("skole.test"))) == []


def private(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None = None) -> bytes:
    """Return a key in PEM."""
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else None
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        lock or serialization.NoEncryption(),
    )


def issued(folder: Path, *for_names: str, days: int = 90, age: int = 1) -> dict[str, str]:
    """Write a certificate that ends in so many days, and its key; return the role variable."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = dt.datetime.combine(TODAY, dt.time(), dt.UTC) - dt.timedelta(days=age)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days + age))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in for_names]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    files = {name: folder / f"{name}.pem" for name in ("certificate", "key")}
    files["certificate"].write_bytes(pem)
    files["key"].write_bytes(private(key))
    return {name: str(path) for name, path in files.items()}


EVERY_NAME = ("login.skole.dk", "portal.skole.dk", "drive1.skole.dk", "drive2.skole.dk")


@pytest.mark.parametrize("for_names", [EVERY_NAME, ("*.skole.dk",)])
def test_files_that_are_for_every_name_are_enough(
    tmp_path: Path, for_names: tuple[str, ...]
) -> None:
    files = issued(tmp_path, *for_names)
    assert missing(certificates.examine(site(certificate_files=files), TODAY)) == []


def test_files_that_lack_a_name_or_end_soon_are_not(tmp_path: Path) -> None:
    files = issued(tmp_path, *EVERY_NAME[:3], days=7)
    lacks, ends = missing(certificates.examine(site(certificate_files=files), TODAY))
    assert "is not for drive2.skole.dk; have one issued for every name" in lacks
    assert "ends on 2026-11-29; have it renewed" in ends


def test_a_certificate_that_is_not_valid_yet_is_told(tmp_path: Path) -> None:
    files = issued(tmp_path, *EVERY_NAME, age=-3)
    (line,) = missing(certificates.examine(site(certificate_files=files), TODAY))
    assert "begins on 2026-11-25; wait for that day" in line


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (private(ec.generate_private_key(ec.SECP256R1())), "is not the key of certificate_files"),
        (private(ec.generate_private_key(ec.SECP256R1()), b"hush"), "without a passphrase"),
        (b"", "no private key"),
    ],
)
def test_a_key_that_the_edge_could_not_serve_with_is_told(
    tmp_path: Path, content: bytes, said: str
) -> None:
    files = issued(tmp_path, *EVERY_NAME)
    (tmp_path / "key.pem").write_bytes(content)
    (line,) = missing(certificates.examine(site(certificate_files=files), TODAY))
    assert said in line


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_files_that_are_none_are_told(tmp_path: Path, content: str | None) -> None:
    files = issued(tmp_path, *EVERY_NAME)
    if content is None:
        (tmp_path / "key.pem").unlink()
    else:
        (tmp_path / "certificate.pem").write_text(content)
    (line,) = missing(certificates.examine(site(certificate_files=files), TODAY))
    assert "; " in line
    assert "\n" not in line


def test_pupils_do_not_trust_the_stacks_own_authority() -> None:
    (line,) = missing(certificates.examine(site(), TODAY))
    assert "set `certificate_files` or `certificate_acme`" in line
    assert missing(certificates.examine(site("skole.test"), TODAY)) == []


@pytest.mark.parametrize(
    ("directory", "answer", "said"),
    [
        ("https://acme.example/dir", '{"newOrder": "https://acme.example/order"}', None),
        ("https://acme.example/dir", '{"hello": 1}', "is no directory of ACME"),
        ("https://acme.example/dir", "<html>", "does not answer as an authority"),
        ("https://acme.example/dir", None, "whether this machine may reach it"),
        ("http://acme.example/dir", '{"newOrder": ""}', "is not https"),
    ],
)
def test_an_authority_is_asked_whether_it_is_one(
    monkeypatch: pytest.MonkeyPatch, directory: str, answer: str | None, said: str | None
) -> None:
    def ask(_url: str, **_options: Any) -> io.StringIO:
        if answer is None:
            raise OSError("no route")
        return io.StringIO(answer)

    monkeypatch.setattr(certificates, "urlopen", ask)
    acme = {"directory": directory}
    lines = missing(certificates.examine(site(certificate_acme=acme), TODAY))
    assert [said in line for line in lines if said] == ([True] if said else [])
    assert bool(lines) is bool(said)
