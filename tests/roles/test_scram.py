"""What the database is given of Keycloak's password, against RFC 7677's own example."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from roles.database.filter_plugins.scram import salted, scram_verifier

PASSWORDS = st.text("abcXYZ019-_", min_size=1, max_size=32)
# RFC 7677, section 3: the password `pencil`, and what both sides say.
SALT = base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")
EXCHANGE = (
    "n=user,r=rOprNGfwEbeRWgbNEkqO,"
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,"
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
)
PROOF = base64.b64decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")
ANSWER = base64.b64decode("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")


def keys(verifier: str) -> tuple[bytes, bytes]:
    """Return the stored key and the server's key of a verifier, as PostgreSQL reads one."""
    found = re.fullmatch(r"SCRAM-SHA-256\$4096:[\w+/=]{24}\$([\w+/=]{44}):([\w+/=]{44})", verifier)
    assert found, verifier
    stored, server = found.groups()
    return base64.b64decode(stored), base64.b64decode(server)


def signed(key: bytes) -> bytes:
    return hmac.digest(key, EXCHANGE.encode(), "sha256")


def test_a_server_with_the_verifier_knows_who_has_the_password() -> None:
    stored, _ = keys(salted("pencil", SALT))
    client = bytes(a ^ b for a, b in zip(PROOF, signed(stored), strict=True))
    assert hashlib.sha256(client).digest() == stored


def test_a_server_with_the_verifier_can_say_who_it_is() -> None:
    _, server = keys(salted("pencil", SALT))
    assert signed(server) == ANSWER


@settings(max_examples=10)
@given(PASSWORDS)
def test_the_same_password_has_the_same_verifier(password: str) -> None:
    verifier = scram_verifier(password)
    assert verifier == scram_verifier(password)
    assert keys(verifier)


@settings(max_examples=10)
@given(PASSWORDS, PASSWORDS)
def test_two_passwords_share_no_salt(one: str, other: str) -> None:
    def salt(password: str) -> str:
        return scram_verifier(password).split("$")[1]

    assert (salt(one) == salt(other)) == (one == other)
