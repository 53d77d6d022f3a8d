"""A public authority on loopback: Pebble, with a name server that leads every name back here."""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from klokken.paths import cache_folder
from tests.loadtests.certificate import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEBBLE = cache_folder() / "tools" / "bin" / "pebble"
# A header of DNS, and the one kind of record that is answered (RFC 1035, 4.1).
_HEADER, _ADDRESS, _ANSWER = struct.Struct(">6H"), 1, struct.Struct(">HHHIH4s")


class _Here(socketserver.StreamRequestHandler):
    """Answers for each name that it is at 127.0.0.1; over TCP, since that is how Pebble asks."""

    def handle(self) -> None:
        length = int.from_bytes(self.rfile.read(2))
        asked = self.rfile.read(length)
        number = int.from_bytes(asked[:2])
        end = asked.index(b"\0", _HEADER.size) + 1
        found = int.from_bytes(asked[end : end + 2]) == _ADDRESS
        head = _HEADER.pack(number, 0x8180, 1, int(found), 0, 0)
        record = _ANSWER.pack(0xC00C, 1, 1, 60, 4, socket.inet_aton("127.0.0.1"))
        reply = head + asked[_HEADER.size : end + 4] + record * found
        self.wfile.write(struct.pack(">H", len(reply)) + reply)


class Edge(BaseHTTPRequestHandler):
    """Answers a challenge as the role's rule of HAProxy does."""

    thumbprint = ""
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        body = f"{self.path.rpartition('/')[2]}.{self.thumbprint}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing."""


@contextmanager
def serving(server: socketserver.TCPServer) -> Iterator[int]:
    """Serve in a thread; give the port."""
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield int(server.server_address[1])
        server.shutdown()


@contextmanager
def authority(folder: Path, edge: type[Edge]) -> Iterator[tuple[str, Path]]:
    """Run an authority; give its directory and the certificate with which it is trusted."""
    key, trusted = certificate(folder)
    with ExitStack() as held:
        names = held.enter_context(
            serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Here))
        )
        challenges = held.enter_context(serving(ThreadingHTTPServer(("127.0.0.1", 0), edge)))
        listen, manage = _free(), _free()
        settings = {
            "listenAddress": f"127.0.0.1:{listen}",
            "managementListenAddress": f"127.0.0.1:{manage}",
            "certificate": str(trusted),
            "privateKey": str(key),
            "httpPort": challenges,
            "tlsPort": _free(),
            "ocspResponderURL": "",
        }
        file = folder / "pebble.json"
        file.write_text(json.dumps({"pebble": settings}))
        argv = [str(PEBBLE), "-config", str(file), "-dnsserver", f"127.0.0.1:{names}"]
        # It would else wait for seconds before each look, and refuse some requests on purpose.
        quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0"}
        process = held.enter_context(
            subprocess.Popen(argv, env=quick, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        )
        held.callback(process.terminate)
        _await(listen)
        yield f"https://127.0.0.1:{listen}/dir", trusted


def _await(port: int) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            return


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
