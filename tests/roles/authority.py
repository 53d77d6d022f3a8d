"""A public authority on loopback: Pebble, which asks a name server of ours and a site of ours."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from klokken.paths import cache_folder
from tests.loadtests.certificate import certificate
from tests.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PEBBLE = cache_folder() / "tools" / "bin" / "pebble"


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
def authority(folder: Path, edge: type[Edge], names: int) -> Iterator[tuple[str, Path]]:
    """Run an authority; give its directory and the certificate with which it is trusted.

    It asks `edge` over HTTP, and the name server at the port `names`.
    """
    key, trusted = certificate(folder)
    with ExitStack() as held:
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
        # It would else wait for seconds before each look, refuse some requests on purpose, and
        # leave some names unasked that it has asked before.
        quick = {
            "PEBBLE_VA_NOSLEEP": "1",
            "PEBBLE_WFE_NONCEREJECT": "0",
            "PEBBLE_AUTHZREUSE": "0",
        }
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
