"""The double on a port of the loopback address."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from tests.doubles.hetzner.api import Api, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "/v1"


@contextmanager
def serving(api: Api) -> Iterator[str]:
    """Serve for as long as held; give the address to be told to clients."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Head and body in one packet: the client would wait for the second.
        wbufsize = -1

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            text = self.rfile.read(length)
            request = Request(
                method=self.command,
                path=parts.path.removeprefix(PREFIX),
                query=parse_qs(parts.query),
                body=json.loads(text) if text else {},
                authorization=self.headers.get("Authorization", ""),
            )
            with lock:
                status, body = api.answer(request)
                payload = b"" if status == 204 else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_args: object) -> None:
            """Say nothing: `asked` has it all."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}{PREFIX}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
