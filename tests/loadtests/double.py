"""A login site on loopback that gives Keycloak's three answers over real TLS, for tests."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet
    from pathlib import Path
    from types import TracebackType

REALM = "skole"
CLIENT = "drive"
REDIRECT = "https://drive.skole.test/cb"
PASSWORD = "only for tests"  # noqa: S105
ACTION = f"/realms/{REALM}/login-actions/authenticate"

PAGE = """<!DOCTYPE html><html><body><form action="/search" id="other"></form>
<form id="kc-form-login" onsubmit="login.disabled = true; return true;"
 action="{action}" method="post" novalidate="novalidate">
<input name="username"><input name="password" type="password"></form></body></html>"""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Write a P-256 key and its own certificate for 127.0.0.1; return their files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    cert = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    key_file, cert_file = folder / "key.pem", folder / "cert.pem"
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    cert_file.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    return key_file, cert_file


def token_of(claims: dict[str, Any]) -> str:
    """Return an unsigned JSON Web Token."""
    parts = [{"alg": "none"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts]
    return ".".join([*coded, "x"])


@dataclass
class LoginSite:
    """The site; use it as a context manager.

    From its connection number `stall_at` on it says nothing for `stall_seconds`. Logins of the
    users in `forgetful` get the form again.
    """

    folder: Path
    stall_at: int = 0
    stall_seconds: float = 0.0
    forgetful: AbstractSet[str] = frozenset()
    connections: int = 0
    logins: list[str] = field(default_factory=list)
    _silent_until: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        """Listen on a free port of 127.0.0.1."""
        key_file, self.ca_file = certificate(self.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key_file)
        self._server = _Server(context, self)
        self.origin = f"https://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def wait_out_the_stall(self) -> None:
        """Block while the site stalls."""
        if (left := self._silent_until - time.monotonic()) > 0:
            time.sleep(left)

    def connected(self) -> None:
        """Count a connection, before its handshake."""
        with self._lock:
            self.connections += 1
            if self.connections == self.stall_at:
                self._silent_until = time.monotonic() + self.stall_seconds
        self.wait_out_the_stall()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext, site: LoginSite) -> None:
        self.context, self.site = context, site
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that none waits for another's."""
        self.site.connected()
        with suppress(OSError), self.context.wrap_socket(request, server_side=True) as secure:
            secure.settimeout(20)
            super().finish_request(secure, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        site = self.server.site
        site.wait_out_the_stall()
        query = parse_qs(urlsplit(self.path).query)
        kept = quote(json.dumps([query["state"][0], query["nonce"][0]]), safe="")
        action = f"{site.origin}{ACTION}?session_code=a&amp;execution=b&amp;kept={kept}"
        self._answer(200, PAGE.format(action=action), cookies=["AUTH_SESSION_ID=x; Path=/; Secure"])

    def do_POST(self) -> None:
        site = self.server.site
        site.wait_out_the_stall()
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if self.path.startswith(ACTION):
            self._password(site, form)
        else:
            self._token(site, form)

    def _password(self, site: LoginSite, form: dict[str, list[str]]) -> None:
        user = form["username"][0]
        right = form["password"] == [PASSWORD] and self.headers["Cookie"] == "AUTH_SESSION_ID=x"
        if not right or user in site.forgetful:
            self._answer(200, PAGE.format(action=ACTION))
            return
        state, nonce = json.loads(parse_qs(urlsplit(self.path).query)["kept"][0])
        code = quote(json.dumps([user, nonce]), safe="")
        self._answer(302, "", location=f"{REDIRECT}?state={state}&session_state=s&code={code}")

    def _token(self, site: LoginSite, form: dict[str, list[str]]) -> None:
        user, nonce = json.loads(form["code"][0])
        claims = {
            "iss": f"{site.origin}/realms/{REALM}",
            "aud": CLIENT,
            "azp": CLIENT,
            "nonce": nonce,
            "preferred_username": user,
            "exp": time.time() + 300,
        }
        site.logins.append(user)
        self._answer(200, json.dumps({"access_token": "a", "id_token": token_of(claims)}))

    def _answer(
        self, status: int, body: str, location: str = "", cookies: list[str] | None = None
    ) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        if location:
            self.send_header("Location", location)
        for cookie in cookies or []:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(content)
