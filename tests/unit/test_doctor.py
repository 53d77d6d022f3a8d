"""What a stack still lacks is told before anything is bought, and what it costs a month."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from klokken import workspace
from klokken.capacity.money import DKK_PER_EUR
from klokken.capacity.pricelist import price_lists
from klokken.clouds import doctor as clouds
from klokken.doctor import certificates, names
from klokken.errors import InputError, MachineError
from klokken.stackconfig import StackConfig
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


def test_a_domain_that_is_for_tests_is_not_looked_up(resolver: dict[str, str]) -> None:
    assert resolver == {}
    assert missing(names.examine(site("skole.test"))) == []


def issued(folder: Path, *for_names: str, days: int = 90) -> dict[str, str]:
    """Write a certificate that ends in so many days, and its key; return the role variable."""
    key = ec.generate_private_key(ec.SECP256R1())
    begin = dt.datetime.combine(TODAY, dt.time(), dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days + 1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in for_names]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    files = {name: folder / f"{name}.pem" for name in ("certificate", "key")}
    files["certificate"].write_bytes(pem)
    files["key"].touch()
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
    acme = {"directory": "https://acme.example/dir"}
    assert missing(certificates.examine(site(certificate_acme=acme), TODAY)) == []


def on(kind: str, folder: Path, **settings: Any) -> StackConfig:
    """Return a stack on a cloud, its SSH key in the folder."""
    common = {"owner": "drift", "purpose": "test", "management": ["192.0.2.0/24"]}
    substrate = {"kind": kind, **common, "ssh_key": str(folder / "key"), **settings}
    body = {"klokken:substrate": substrate, "klokken:site": site().model_dump(mode="json")}
    return StackConfig.parse(body, "a test")


def look(config: StackConfig) -> tuple[list[Finding], Any]:
    cloud: Any = config.substrate
    return clouds.look("there", cloud, config.site, TODAY)


@pytest.fixture
def hetzner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackConfig:
    """Return a stack at Hetzner whose token stands in the environment."""

    def nothing(*_words: str) -> str:
        raise MachineError("no such key")

    monkeypatch.setattr(workspace, "pulumi", nothing)
    monkeypatch.setenv("HCLOUD_TOKEN", TOKEN)
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA")
    return on("hetzner", tmp_path, location="fsn1", type="ccx23", types={"edge": "ccx13"})


def test_a_cloud_costs_what_its_hosts_and_volumes_cost(hetzner: StackConfig) -> None:
    found, cost = look(hetzner)
    (prices,) = price_lists(TODAY, ["hetzner"])
    assert missing(found) == []
    volumes = 200 * prices.block_gb_eur_month.value
    assert cost.eur == pytest.approx(85.99 * 6 + 42.99 + volumes)
    assert cost.dkk == pytest.approx(cost.eur * DKK_PER_EUR)
    (quota,) = [finding.text for finding in found if finding.topic == "quota"]
    assert "7 hosts, 26 cores and 200 GB of volumes" in quota


def test_what_a_cloud_needs_of_a_person_is_missed(
    hetzner: StackConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HCLOUD_TOKEN", "short")
    (tmp_path / "key.pub").unlink()
    token, key = missing(look(hetzner)[0])
    assert "has 5 characters, and a token has 64" in token
    assert "ssh-keygen" in key


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ({"application_credential_id": "a", "application_credential_secret": "b"}, ""),
        ({"username": "a", "password": "b"}, "is not by application credential"),
        (None, "clouds.cleura: missing"),
    ],
)
def test_an_openstack_cloud_has_an_application_credential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, auth: Any, said: str
) -> None:
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA")
    file = tmp_path / "clouds.yaml"
    file.write_text(yaml.safe_dump({"clouds": {"cleura": {"auth": auth}} if auth else {}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    (prices,) = price_lists(TODAY, ["cleura"])
    config = on("openstack", tmp_path, cloud="cleura", region="Kna1", type=next(iter(prices.hosts)))
    assert [said in line for line in missing(look(config)[0])] == [True] * bool(said)


def test_an_expired_price_list_is_no_price(
    hetzner: StackConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expired(*_asked: Any) -> None:
        raise InputError("hetzner.yaml", "valid_until", "the prices expired", "look them up anew")

    monkeypatch.setattr(clouds, "price_lists", expired)
    found, cost = look(hetzner)
    assert cost is None
    assert "the prices expired" in missing(found)[0]
