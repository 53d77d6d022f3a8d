"""The secrets of a stack: made once, then kept encrypted in the stack's config."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import secrets

from argon2.low_level import Type, hash_secret_raw
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

PASSWORDS = ("database", "admin", "warmup", "pupils", "directory")
CA_YEARS = 5


def make_secrets() -> dict[str, str]:
    """Return a full set of new secrets by name.

    `pupils_hash` and `pupils_salt` are base64; the rest is text, keys and certificate in PEM.
    """
    made = {name: secrets.token_urlsafe(24) for name in PASSWORDS}
    return made | _pupils_hash(made["pupils"]) | certificate_authority() | acme_account()


def _pupils_hash(password: str) -> dict[str, str]:
    """Hash as Keycloak 26 does by default, so that first logins do not rehash.

    Argon2id 1.3, 5 passes over 7 MiB, 1 lane, 32 bytes: `Argon2Parameters` in Keycloak's source.
    One hash serves all synthetic accounts: checking it costs the same for each of them.
    """
    salt = secrets.token_bytes(16)
    digest = hash_secret_raw(
        password.encode(), salt, time_cost=5, memory_cost=7168, parallelism=1, hash_len=32,
        type=Type.ID, version=0x13,
    )  # fmt: skip
    return {
        "pupils_hash": base64.b64encode(digest).decode(),
        "pupils_salt": base64.b64encode(salt).decode(),
    }


def acme_account() -> dict[str, str]:
    """Make the key of an ACME account, and its thumbprint (RFC 7638) with which it answers."""
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    point = {name: _base64url(n.to_bytes(32)) for name, n in (("x", numbers.x), ("y", numbers.y))}
    # The members that are required, in the order of their names, without white space.
    members = json.dumps({"crv": "P-256", "kty": "EC", **point}, separators=(",", ":"))
    return {
        "acme_key": _pem(key),
        "acme_thumbprint": _base64url(hashlib.sha256(members.encode()).digest()),
    }


def _base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def certificate_authority() -> dict[str, str]:
    """Make a P-256 certificate authority that only this stack's hosts trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Klokken lab")])
    now = dt.datetime.now(dt.UTC)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True,
        content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=365 * CA_YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return {"ca_key": _pem(key), "ca_certificate": public.decode()}
