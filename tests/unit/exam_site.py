"""A login host and a drive cell in one, on loopback over real TLS, for tests of the audit."""

from __future__ import annotations

import json
import ssl
import threading
from collections import Counter, defaultdict
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from tests.loadtests.certificate import certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "only for tests"  # noqa: S105
LOGIN = "/realms/skole/protocol/openid-connect"
PAGE = '<form id="other" action="/x"></form><form id="kc-form-login" action="{}"></form>'
LISTING = '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{}</d:multistatus>'
# What an answer is when the connection shall break instead.
BROKEN = 0

Answer: TypeAlias = tuple[int, bytes, str]


@dataclass
class ExamSite:
    """`files` by user and path; `first` has the statuses that a path answers before its own."""

    files: dict[str, dict[str, bytes]]
    first: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    asked: Counter[str] = field(default_factory=Counter)
    host: str = ""
    ca: str = ""

    @contextmanager
    def listening(self, folder: Path) -> Iterator[ExamSite]:
        """Listen on a free port of 127.0.0.1, with a certificate made in `folder`."""
        key, self_signed = certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self_signed, key)
        server = _Server(context, self)
        self.host, self.ca = f"127.0.0.1:{server.server_address[1]}", str(self_signed)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()

    def answer(self, method: str, path: str, body: str, user: str) -> Answer:
        """Return status, content and Location."""
        place, query = urlsplit(path).path, parse_qs(urlsplit(path).query)
        if not place.startswith(("/dav/", "/graph/")):
            return self._login(place.rpartition("/")[2], query, parse_qs(body))
        if user not in self.files:
            return 401, b"", ""
        if place == "/graph/v1.0/me/drives":
            root = {"webDavUrl": f"https://{self.host}/dav/spaces/{user}"}
            return 200, json.dumps({"value": [{"root": root}]}).encode(), ""
        if method == "PROPFIND":
            hrefs = [f"<d:href>/dav/spaces/{user}/{n}</d:href>" for n in self.files[user]]
            return 207, LISTING.format("".join(hrefs)).encode(), ""
        content = self.files[user].get(unquote(place).removeprefix(f"/dav/spaces/{user}/"))
        return (404, b"", "") if content is None else (200, content, "")

    def _login(self, step: str, query: dict[str, list[str]], form: dict[str, list[str]]) -> Answer:
        if step == "auth":
            wanted = {"response_type", "code_challenge", "client_id", "redirect_uri", "scope"}
            page = PAGE.format("/act?a=1&amp;b=2").encode()
            return 200 if wanted <= query.keys() else 400, page, ""
        if step == "act":
            if form["password"] != [PASSWORD] or query != {"a": ["1"], "b": ["2"]}:
                return 200, PAGE.format("/act").encode(), ""
            return 302, b"", f"https://drive/cb?code={form['username'][0]}"
        if step == "token":
            tokens = {"access_token": form["code"][0], "refresh_token": "r"}
            return 200, json.dumps(tokens).encode(), ""
        return 204, b"", ""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext, site: ExamSite) -> None:
        self.context, self.site = context, site
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: Any, client_address: Any) -> None:
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
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        name = f"{self.command} {unquote(urlsplit(self.path).path)}"
        site.asked[name] += 1
        user = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        status, content, location = site.answer(self.command, self.path, body, user)
        if site.first[name]:
            status, content = site.first[name].pop(0), b"not now"
        if status == BROKEN:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Set-Cookie", "AUTH_SESSION_ID=x; Path=/")
        self.send_header("ETag", '"e"')
        if location:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_PROPFIND = do_GET  # noqa: N815 - the names that the server looks for
