"""A school platform on loopback: that of `school.py` over real TLS, a port a host, for tests."""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from loadtests.requests import Request, Response
from tests.loadtests.certificate import certificate
from tests.loadtests.school import School

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

HOSTS = 4


@dataclass
class Double:
    """The platform; use it as a context manager. Its files go to `folder`.

    From its connection number `stall_at` on it says nothing for `stall_seconds`. It closes
    connections that were not used for `idle_seconds`. `stalled` is from when to when it was
    silent, on the monotonic clock; `most_open` how many connections were open at once, of each
    origin and, as `all`, together.
    """

    folder: Path
    stall_at: int = 0
    stall_seconds: float = 0.0
    idle_seconds: float = 20.0
    keycloak_options: dict[str, Any] = field(default_factory=dict)
    clients: list[str] = field(default_factory=list)
    most_open: Counter[str] = field(default_factory=Counter)
    stalled: tuple[float, float] = (0.0, 0.0)
    _open: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        """Listen on free ports of 127.0.0.1: login, portal, and two cells."""
        key_file, self.ca_file = certificate(self.folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.ca_file, key_file)
        self._servers = [_Server(context, self) for _ in range(HOSTS)]
        origins = tuple(server.origin for server in self._servers)
        self.school = School(origins, keycloak_options=self.keycloak_options)
        self.origin = origins[0]
        self._threads = [
            threading.Thread(target=server.serve_forever, args=(0.05,)) for server in self._servers
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop listening."""
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()

    @property
    def logins(self) -> list[str]:
        """The users who were given tokens for their passwords."""
        return self.school.keycloak.logins

    def answer(self, request: Request) -> Response | None:
        """Answer as the school does; None where the answer is lost."""
        if (left := self.stalled[1] - time.monotonic()) > 0:
            time.sleep(left)
        with self._lock:
            response = self.school.answer(request)
            return None if self.school.lost(request) else response

    @property
    def connections(self) -> int:
        """How many were opened."""
        return len(self.clients)

    def connected(self, client: str) -> None:
        """Note the address that a connection comes from, before its handshake."""
        with self._lock:
            self.clients.append(client)
            if self.connections == self.stall_at:
                now = time.monotonic()
                self.stalled = now, now + self.stall_seconds
        if (left := self.stalled[1] - time.monotonic()) > 0:
            time.sleep(left)

    @contextmanager
    def open(self, origin: str) -> Iterator[None]:
        """Count a connection to `origin` for as long as it is open."""
        with self._lock:
            self._open.update([origin, "all"])
            self.most_open |= self._open
        try:
            yield
        finally:
            with self._lock:
                self._open.subtract([origin, "all"])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, context: ssl.SSLContext, double: Double) -> None:
        self.context, self.double = context, double
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = f"https://127.0.0.1:{self.server_address[1]}"

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Shake hands in the connection's own thread, so that none waits for another's."""
        with self.double.open(self.origin):
            self.double.connected(client_address[0])
            with suppress(OSError), self.context.wrap_socket(request, server_side=True) as secure:
                secure.settimeout(self.double.idle_seconds)
                super().finish_request(secure, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = tuple(self.headers.items())
        request = Request(self.server.origin, self.command, self.path, headers, body)
        response = self.server.double.answer(request)
        if response is None:
            self.close_connection = True
            return
        self.send_response(response.status)
        if response.status != 204:
            self.send_header("Content-Length", str(len(response.body)))
        if response.location:
            self.send_header("Location", response.location)
        if response.etag:
            self.send_header("ETag", f'"{response.etag}"')
        for cookie in response.set_cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(response.body)

    def __getattr__(self, name: str) -> Any:
        """Answer every method alike."""
        if name.startswith("do_"):
            return self._reply
        raise AttributeError(name)
