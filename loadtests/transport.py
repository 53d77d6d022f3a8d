"""The transport: a pupil's own TLS connections, on gevent, with geventhttpclient's parser.

Every pupil opens a new connection to each host, as a browser that was just started does; shared
ones would hide what the handshakes cost the site. All connections share one TLS context, since
loading a certificate authority for each pupil would cost more than the login. geventhttpclient's
client and pool are left out: for three requests on one connection they are the dearer half of it.
"""

from __future__ import annotations

import select
from contextlib import suppress
from itertools import cycle
from typing import TYPE_CHECKING

import gevent.socket
import gevent.ssl
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPSocketResponse

from klokken.errors import InputError
from loadtests import source
from loadtests.listing import bare
from loadtests.requests import Request, Response
from loadtests.steps import Unanswered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loadtests.target import Target

# Keycloak's login page and its headers come in one piece of this size.
_BLOCK = 16 * 1024
# A paper is read in pieces of this size.
_BULK = 64 * 1024
_HEADERS = "Accept: */*\r\nUser-Agent: klokken\r\n"


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


# The causes of a missing response, the special before the general.
_CAUSES: dict[type[BaseException], str] = {
    HTTPConnectionClosed: "connection closed",
    HTTPParseError: "broken response",
    gevent.ssl.SSLCertVerificationError: "certificate",
    gevent.ssl.SSLError: "TLS",
    ConnectionRefusedError: "connection refused",
    OSError: "connection",
}
_LOST = tuple(_CAUSES)


class Transport:
    """Opens connections to the targets of a storm."""

    def __init__(
        self,
        targets: Mapping[str, Target],
        context: gevent.ssl.SSLContext,
        sources: Sequence[str] = (),
    ) -> None:
        """Serve `targets`, by their origins, whose certificates must hold in `context`.

        Pupils come from `sources` in turn; without any, from where the system has them come.
        """
        self.targets = targets
        self.context = context
        self.tls = ""
        self._sources = cycle(sources or [None])
        self.preambles = {
            origin: f" HTTP/1.1\r\nHost: {target.authority}\r\n{_HEADERS}"
            for origin, target in targets.items()
        }

    def connection(self) -> Connection:
        """Return a pupil's connection, which opens at its first request."""
        return Connection(self, next(self._sources))

    def opened(self, origin: str, source_address: str | None) -> gevent.ssl.SSLSocket:
        """Return a new socket to `origin` after its TLS handshake."""
        target = self.targets[origin]
        plain = gevent.socket.socket()
        try:
            source.bind(plain, source_address)
            plain.connect((target.address, target.port))
            # A request is one write; waiting to fill a packet could only delay it.
            plain.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            secure = self.context.wrap_socket(plain, server_hostname=target.host)
        except BaseException:
            plain.close()
            raise
        if not self.tls:
            self.tls = f"{secure.version()} {secure.cipher()[0]}"
        return secure


class Connection:
    """One pupil's connections, one an origin, kept open between requests until closed.

    It sets no time limits: the caller's `gevent.Timeout` ends whatever takes too long.
    """

    __slots__ = ("_sockets", "_source", "_transport")

    def __init__(self, transport: Transport, source_address: str | None) -> None:
        """Make one that is not open yet."""
        self._transport = transport
        self._source = source_address
        self._sockets: dict[str, gevent.ssl.SSLSocket] = {}

    def send(self, request: Request) -> Response:
        """Return the whole response to `request`, or raise Unanswered.

        Redirects are not followed and nothing is sent twice.
        """
        whole = False
        try:
            response = self._exchange(request)
            whole = True
        except _LOST as error:
            raise Unanswered(_cause(error)) from None
        finally:
            if not whole:
                # An answer may still be on its way, and the next must not be taken for it.
                self._drop(request.origin)
        return response

    def close(self) -> None:
        """Close the connections; doing so twice is fine."""
        for origin in list(self._sockets):
            self._drop(origin)

    def _drop(self, origin: str) -> None:
        if (secure := self._sockets.pop(origin, None)) is not None:
            with suppress(OSError):
                secure.close()

    def _socket(self, origin: str) -> gevent.ssl.SSLSocket:
        """Return an open socket; one that the site has closed meanwhile is replaced."""
        kept = self._sockets.get(origin)
        if kept is not None:
            if not _readable(kept):
                return kept
            self._drop(origin)
        secure = self._sockets[origin] = self._transport.opened(origin, self._source)
        return secure

    def _exchange(self, request: Request) -> Response:
        secure = self._socket(request.origin)
        secure.sendall(self._encoded(request))
        received = HTTPSocketResponse(secure, block_size=_BLOCK, method=request.method)
        body, length = _counted(received) if request.bulk else _whole(received)
        response = Response(
            received.get_code(),
            body,
            str(received.get("location", "")),
            _lines(received.get("set-cookie")),
            bare(str(received.get("etag", ""))),
            length,
        )
        if received.should_close():
            self._drop(request.origin)
        return response

    def _encoded(self, request: Request) -> bytes:
        """Return `request` as it goes over the wire, in one piece."""
        preamble = self._transport.preambles[request.origin]
        head = [request.method, " ", request.target, preamble]
        head += [f"{name}: {value}\r\n" for name, value in request.headers]
        if request.body or request.method in {"POST", "PUT"}:
            head.append(f"Content-Length: {len(request.body)}\r\n")
        head.append("\r\n")
        return "".join(head).encode("latin-1") + request.body


def _cause(error: BaseException) -> str:
    return next(cause for kind, cause in _CAUSES.items() if isinstance(error, kind))


def _readable(secure: gevent.ssl.SSLSocket) -> bool:
    """Return whether something came unasked, which between requests is the end of a connection."""
    poll = select.poll()
    poll.register(secure.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _whole(received: HTTPSocketResponse) -> tuple[bytes, int]:
    body = received.read()
    return body, len(body)


def _counted(received: HTTPSocketResponse) -> tuple[bytes, int]:
    length = 0
    while block := received.read(_BULK):
        length += len(block)
    return b"", length


def _lines(value: str | list[str] | None) -> tuple[str, ...]:
    """Return a header's values, of which geventhttpclient gives none, one or a list."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
