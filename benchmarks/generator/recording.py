"""What a null site is given to say: a certificate as a site has one, and tokens."""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from klokken.secrets import certificate_authority
from klokken.storm.plan import CLIENT

if TYPE_CHECKING:
    from pathlib import Path

NONCE, USER = "recorded-nonce-of-all", "elev0000001"
_FAR = 4_102_444_800  # the year 2100


def certify(folder: Path, address: str) -> None:
    """Write an authority and, from it, a P-256 certificate, as a site has them."""
    made = certificate_authority()
    (folder / "ca.pem").write_text(made["ca_certificate"])
    authority = x509.load_pem_x509_certificate(made["ca_certificate"].encode())
    signer = serialization.load_pem_private_key(made["ca_key"].encode(), password=None)
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority has a P-256 key")
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, address)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(address))]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "key.pem").write_bytes(private)


def tokens(issuer: str) -> dict[str, Any]:
    """Return an answer to a code, of the size and form of Keycloak's."""
    claims = {
        "exp": _FAR,
        "iat": 1_700_000_000,
        "auth_time": 1_700_000_000,
        "jti": secrets.token_hex(18),
        "iss": issuer,
        "aud": CLIENT,
        "sub": secrets.token_hex(18),
        "typ": "ID",
        "azp": CLIENT,
        "nonce": NONCE,
        "sid": secrets.token_hex(18),
        "at_hash": secrets.token_urlsafe(16),
        "acr": "1",
        "email_verified": False,
        "name": "Elev 1 Skole",
        "preferred_username": USER,
        "given_name": "Elev 1",
        "family_name": "Skole",
    }
    return {
        "access_token": _token(claims),
        "expires_in": 300,
        "refresh_expires_in": 1800,
        "refresh_token": _token(claims),
        "token_type": "Bearer",
        "id_token": _token(claims),
        "not-before-policy": 0,
        "session_state": claims["sid"],
        "scope": "openid profile email",
    }


def _token(claims: dict[str, Any]) -> str:
    header = {"alg": "RS256", "typ": "JWT", "kid": secrets.token_urlsafe(32)}
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), secrets.token_bytes(256))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
