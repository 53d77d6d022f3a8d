"""What PostgreSQL keeps of a password: enough to check it, too little to log in with."""

from __future__ import annotations

import hmac
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# PostgreSQL's own default for `scram_iterations`.
ROUNDS = 4096


def scram_verifier(password: str) -> str:
    """Return the verifier of a password, the same each time.

    Its salt is made of the password, so that a second run has nothing to change. A stack's
    passwords are long and drawn at random: no table of hashes would have them anyway.
    """
    return salted(password, _hmac(password.encode("ascii"), b"klokken")[:16])


def salted(password: str, salt: bytes) -> str:
    """Return the verifier of a password for a salt: RFC 5803, in PostgreSQL's notation."""
    key = pbkdf2_hmac("sha256", password.encode("ascii"), salt, ROUNDS)
    stored = sha256(_hmac(key, b"Client Key")).digest()
    server = _hmac(key, b"Server Key")
    return f"SCRAM-SHA-256${ROUNDS}:{_base64(salt)}${_base64(stored)}:{_base64(server)}"


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")


def _base64(octets: bytes) -> str:
    return b64encode(octets).decode()


class FilterModule:
    """The filters of the role, as Ansible asks for them."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """Return them by name."""
        return {"scram_verifier": scram_verifier}
