"""The transport: a pupil's own TLS connections, and HTTP over them.

Every pupil opens a new connection to each host, as a browser that was just started does; shared
ones would hide what the handshakes cost the site, and so would resumed sessions. All connections
share one TLS context, since loading a certificate authority for each pupil would cost more than
the login.
"""

from __future__ import annotations

import errno
import os
import ssl
from itertools import cycle
from typing import TYPE_CHECKING

import rtls

from klokken.errors import InputError
from klokken.record import INTERNAL
from loadtests.listing import bare
from loadtests.reply import BrokenError, ClosedError, Reply
from loadtests.requests import Request, Response
from loadtests.steps import Unanswered
from loadtests.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from loadtests.target import Target

_HEADERS = "Accept: */*\r\nUser-Agent: klokken\r\n"


def tls_context(ca_file: Path) -> rtls.SSLContext:
    """Return the one context of a worker: it trusts `ca_file` alone and checks host names."""
    context = rtls.SSLContext(rtls.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_verify_locations(str(ca_file))
    except OSError as error:  # an SSLError is one
        raise InputError(ca_file, "", f"is no certificate authority ({error})") from None
    if not context.cert_store_stats()["x509"]:
        raise InputError(ca_file, "", "is no certificate authority (it has no certificate)")
    # The first connection of a process gathers randomness, which takes some 30 ms: here, and not
    # at the first pupil's, whom the next ones would have to wait for.
    context.wrap_bio(rtls.MemoryBIO(), rtls.MemoryBIO(), server_hostname="localhost")
    return context


# The causes of a missing response, the special before the general.
_CAUSES: dict[type[BaseException], str] = {
    ClosedError: "connection closed",
    BrokenError: "broken response",
    ssl.SSLCertVerificationError: "certificate",
    ssl.SSLError: "TLS",
    ConnectionRefusedError: "connection refused",
    OSError: "connection",
}
_LOST = tuple(_CAUSES)
# What the load generator itself runs out of, which no site may be judged by: open files, source
# addresses and their ports, memory.
_OWN = {errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM}


class Transport:
    """Opens connections to the targets of a storm."""

    def __init__(
        self, targets: Mapping[str, Target], context: rtls.SSLContext, sources: Sequence[str] = ()
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

    def opened(self, origin: str, source_address: str | None) -> Wire:
        """Return a new wire to `origin` after its TLS handshake."""
        wire = Wire(self.targets[origin], self.context, source_address)
        self.tls = self.tls or wire.agreed
        return wire


class Connection:
    """One pupil's connections, one an origin, kept open between requests until closed.

    It sets no time limits: the caller's `gevent.Timeout` ends whatever takes too long.
    """

    __slots__ = ("_source", "_transport", "_wires")

    def __init__(self, transport: Transport, source_address: str | None) -> None:
        """Make one that is not open yet."""
        self._transport = transport
        self._source = source_address
        self._wires: dict[str, Wire] = {}

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
        for origin in list(self._wires):
            self._drop(origin)

    def _drop(self, origin: str) -> None:
        if (wire := self._wires.pop(origin, None)) is not None:
            wire.close()

    def _wire(self, origin: str) -> Wire:
        """Return an open wire; one that the site has closed meanwhile is replaced."""
        kept = self._wires.get(origin)
        if kept is not None:
            if not kept.unasked:
                return kept
            self._drop(origin)
        wire = self._wires[origin] = self._transport.opened(origin, self._source)
        return wire

    def _exchange(self, request: Request) -> Response:
        wire = self._wire(request.origin)
        wire.send(self._encoded(request))
        reply = _begun(wire, request)
        if request.bulk:
            body, length = b"", sum(map(len, reply.body()))
        else:
            body = b"".join(reply.body())
            length = len(body)
        response = Response(
            reply.status,
            body,
            reply.first(b"location"),
            reply.all(b"set-cookie"),
            bare(reply.first(b"etag")),
            length,
        )
        if reply.closes or request.last:
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


def _begun(wire: Wire, request: Request) -> Reply:
    """Return the reply whose head has come; a connection that is reset before was closed."""
    try:
        return Reply(wire.receive, request.method)
    except ConnectionResetError:
        raise ClosedError from None


def _cause(error: BaseException) -> str:
    """Return whose failure `error` is; what TLS numbers is no number of the system's."""
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno in _OWN:
        return f"{INTERNAL}: {os.strerror(error.errno)}"
    return next(cause for kind, cause in _CAUSES.items() if isinstance(error, kind))
