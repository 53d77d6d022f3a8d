"""A TLS connection on gevent's loop, by a TLS library that does no input and output itself.

So each flight of a handshake is one write and one read, the client's last one goes along with
the first request, and which library does the TLS is one import.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import gevent
import rtls
from gevent.monkey import get_original

from loadtests import source

if TYPE_CHECKING:
    from loadtests.target import Target

# What is read at once: more than Keycloak's login page with its headers.
_BLOCK = 64 * 1024
_READ, _WRITE = 1, 2
# Locust puts gevent's sockets in the place of Python's, and they would wait a second time.
_Socket = get_original("socket", "socket")


class Pipe(rtls.MemoryBIO):
    """What goes from the socket to TLS, or from TLS to the socket.

    Without the lock of the library's own: only one greenlet is ever here, and under gevent a
    login's locks cost a tenth of it.
    """

    __slots__ = ("_data",)

    def __init__(self) -> None:
        """Make an empty one."""
        self._data = b""

    def read(self, n: int = -1) -> bytes:  # noqa: ARG002 - all that is there is always wanted
        """Return what is there."""
        data, self._data = self._data, b""
        return data

    def write(self, data: bytes) -> int:
        """Add `data`, and return its length."""
        self._data = self._data + data if self._data else data
        return len(data)

    @property
    def pending(self) -> int:
        """How many bytes are there."""
        return len(self._data)

    @property
    def eof(self) -> bool:
        """Whether nothing can follow, which the socket says and not this."""
        return False


class Wire:
    """One connection to `target`, open after its handshake. Not for two greenlets at once."""

    __slots__ = (
        "_awaits",
        "_hub",
        "_incoming",
        "_more",
        "_outgoing",
        "_plain",
        "_readable",
        "_tls",
    )

    def __init__(
        self, target: Target, context: rtls.SSLContext, source_address: str | None = None
    ) -> None:
        """Connect, from `source_address` where one is given, and shake hands.

        Raises OSError, of which ssl.SSLError is one.
        """
        self._hub = gevent.get_hub()
        # Whether TLS can have nothing to read, and whether the socket is likely to have more:
        # to ask either in vain costs an exception.
        self._awaits = self._more = False
        self._incoming, self._outgoing = Pipe(), Pipe()
        family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
        self._plain = _Socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._readable = self._hub.loop.io(self._plain.fileno(), _READ)
        try:
            source.bind(self._plain, source_address)
            # A request is one write; waiting to fill a packet could only delay it.
            self._plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._connect((target.address, target.port))
            self._tls = context.wrap_bio(
                self._incoming, self._outgoing, server_hostname=target.host
            )
            self._shake_hands()
        except BaseException:
            self.close()
            raise

    @property
    def agreed(self) -> str:
        """The agreed version of TLS and its cipher."""
        cipher = self._tls.cipher()
        return f"{self._tls.version()} {cipher[0] if cipher else 'none'}"

    @property
    def unasked(self) -> bool:
        """Whether something came unasked, which between requests is the end of a connection."""
        try:
            self._plain.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def send(self, data: bytes) -> None:
        """Send all of `data`."""
        while data:
            data = data[self._tls.write(data) :]
            self._flush()
        self._awaits = True

    def receive(self) -> bytes:
        """Return what comes next, waiting for it; b"" once the site has closed."""
        if self._awaits:
            self._awaits = False
            if not self._fill():
                return b""
        while True:
            try:
                # Nothing at all is the site's word that it has closed.
                data: bytes = self._tls.read(_BLOCK)
            except ssl.SSLWantReadError:
                if not self._fill():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""
            else:
                return data

    def close(self) -> None:
        """Close the connection; doing so twice is fine."""
        self._readable.close()
        self._plain.close()

    def _connect(self, address: tuple[str, int]) -> None:
        try:
            self._plain.connect(address)
        except BlockingIOError:
            self._await_room()
            if error := self._plain.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(error, "connect") from None

    def _shake_hands(self) -> None:
        while True:
            try:
                # The last flight waits in `_outgoing` for the first request.
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                if not self._fill():
                    raise ConnectionResetError("closed in the handshake") from None
            except ssl.SSLError:
                # So that the site learns why, as from a browser.
                self._flush()
                raise
            else:
                return

    def _fill(self) -> int:
        """Wait for what comes next and hand it to TLS; return its length."""
        if not self._more:
            self._hub.wait(self._readable)
        while True:
            try:
                data = self._plain.recv(_BLOCK)
            except BlockingIOError:
                self._hub.wait(self._readable)
            else:
                self._more = len(data) == _BLOCK
                return self._incoming.write(data)

    def _flush(self) -> None:
        data = self._outgoing.read()
        while data:
            try:
                data = data[self._plain.send(data) :]
            except BlockingIOError:
                self._await_room()

    def _await_room(self) -> None:
        writable = self._hub.loop.io(self._plain.fileno(), _WRITE)
        try:
            self._hub.wait(writable)
        finally:
            writable.close()
