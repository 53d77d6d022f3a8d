"""The transport: a pupil's own TLS connection, on gevent, with geventhttpclient's parser.

Every pupil opens a new connection, as a browser that was just started does; shared ones would
hide what the handshakes cost the site. All connections share one TLS context, since loading a
certificate authority for each pupil would cost more than the login. geventhttpclient's client
and pool are left out: for three requests on one connection they are the dearer half of it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import gevent.socket
import gevent.ssl
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketResponse

from klokken.errors import InputError
from loadtests.requests import Request, Response

if TYPE_CHECKING:
    from pathlib import Path

    from loadtests.target import Target

# Keycloak's login page and its headers come in one piece of this size.
_BLOCK = 16 * 1024
_HEADERS = "Accept: */*\r\nUser-Agent: klokken\r\n"


class ConnectionFailed(Exception):  # noqa: N818 - a finding about the site, not our error
    """No response came; the only argument is the cause, one of a few phrases."""


def tls_context(ca_file: Path) -> gevent.ssl.SSLContext:
    """Return the one context of a worker: it trusts `ca_file` alone and checks host names."""
    context = gevent.ssl.SSLContext(gevent.ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = gevent.ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_verify_locations(str(ca_file))
    except OSError as error:  # an SSLError is one
        raise InputError(ca_file, "", f"is no certificate authority ({error})") from None
    return context


class Transport:
    """Opens connections to one target."""

    def __init__(self, target: Target, context: gevent.ssl.SSLContext) -> None:
        """Serve `target`, whose certificate must hold in `context`."""
        self.target = target
        self.context = context
        self.tls = ""
        self.preamble = f" HTTP/1.1\r\nHost: {target.authority}\r\n{_HEADERS}"

    def connection(self) -> Connection:
        """Return a connection that opens at its first request."""
        return Connection(self)

    def opened(self) -> gevent.ssl.SSLSocket:
        """Return a new socket after its TLS handshake."""
        plain = gevent.socket.create_connection((self.target.address, self.target.port))
        try:
            # A request is one write; waiting to fill a packet could only delay it.
            plain.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            secure = self.context.wrap_socket(plain, server_hostname=self.target.host)
        except BaseException:
            plain.close()
            raise
        if not self.tls:
            self.tls = f"{secure.version()} {secure.cipher()[0]}"
        return secure


class Connection:
    """One pupil's connection, kept open between its requests. Close it when the pupil is done.

    It sets no time limits: the caller's `gevent.Timeout` ends whatever takes too long.
    """

    __slots__ = ("_socket", "_transport")

    def __init__(self, transport: Transport) -> None:
        """Make one that is not open yet."""
        self._transport = transport
        self._socket: gevent.ssl.SSLSocket | None = None

    def send(self, request: Request) -> Response:
        """Return the whole response to `request`, or raise ConnectionFailed.

        Redirects are not followed and nothing is sent twice.
        """
        try:
            return self._exchange(request)
        except HTTPConnectionClosed:
            raise ConnectionFailed("connection closed") from None
        except HTTPParseError:
            raise ConnectionFailed("broken response") from None
        except gevent.ssl.SSLCertVerificationError:
            raise ConnectionFailed("certificate") from None
        except gevent.ssl.SSLError:
            raise ConnectionFailed("TLS") from None
        except ConnectionRefusedError:
            raise ConnectionFailed("connection refused") from None
        except OSError:
            raise ConnectionFailed("connection") from None

    def close(self) -> None:
        """Close the connection; doing so twice is fine."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None

    def _exchange(self, request: Request) -> Response:
        if self._socket is None:
            self._socket = self._transport.opened()
        self._socket.sendall(self._encoded(request))
        received = HTTPSocketResponse(self._socket, block_size=_BLOCK, method=request.method)
        body = received.read()
        response = Response(
            received.get_code(),
            body,
            str(received.get("location", "")),
            _lines(received.get("set-cookie")),
        )
        if received.should_close():
            self.close()
        return response

    def _encoded(self, request: Request) -> bytes:
        """Return `request` as it goes over the wire, in one piece."""
        head = [request.method, " ", request.target, self._transport.preamble]
        head += [f"{name}: {value}\r\n" for name, value in request.headers]
        if request.body or request.method == "POST":
            head.append(f"Content-Length: {len(request.body)}\r\n")
        head.append("\r\n")
        return "".join(head).encode("latin-1") + request.body


def _lines(value: str | list[str] | None) -> tuple[str, ...]:
    """Return a header's values, of which geventhttpclient gives none, one or a list."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
