"""A pupil's own client of the drive: one request a connection, certificates checked."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from klokken import workspace
from klokken.inventory import Inventory
from klokken.paths import inventory_path
from klokken.topology import Tier
from loadtests import drive, listing, login, requests
from loadtests.requests import Request, Response
from loadtests.steps import Ask
from loadtests.target import HTTPS_PORT, Target

if TYPE_CHECKING:
    from loadtests.answers import Tokens

# Seconds for an answer, and for a body that nobody takes: an answer may come before its end.
ANSWER, STALLED = 60.0, 5.0


class _Door(http.client.HTTPSConnection):
    """A connection to the edge by its address, under the name of one of its hosts."""

    def __init__(self, target: Target, context: ssl.SSLContext) -> None:
        super().__init__(target.host, timeout=STALLED, context=context)
        self._target, self._tls = target, context

    def connect(self) -> None:
        plain = socket.create_connection((self._target.address, self._target.port), STALLED)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self._target.host)
        except BaseException:
            plain.close()
            raise

    def exchange(self, request: Request) -> http.client.HTTPResponse:
        """Send a request and return the beginning of its answer."""
        self.connect()
        with suppress(TimeoutError):
            self.request(request.method, request.target, request.body, dict(request.headers))
        self.sock.settimeout(ANSWER)
        return self.getresponse()


class School:
    """A running stack as its pupils see it: the edge, the names behind it and the secrets."""

    def __init__(self, stack: str, cell: int = -1) -> None:
        """Read what is known of `stack`; its pupils are those of the last cell, or of another."""
        inventory = Inventory.read(inventory_path(stack))
        self.secrets: dict[str, str] = json.loads(
            workspace.pulumi("config", "get", "secrets", "--stack", stack)
        )
        self.domain = inventory.site.site_domain
        self.cell = list(inventory.hosts(Tier.DRIVE))[cell]
        self.edge = str(next(iter(inventory.hosts(Tier.EDGE).values())).site_address)
        self.context = ssl.create_default_context(cadata=self.secrets["ca_certificate"])

    def origin(self, name: str) -> str:
        """Return the origin of `portal`, `login` or a cell."""
        return f"https://{name}.{self.domain}"

    def target(self, origin: str) -> Target:
        """Return where connections to an origin go: to the edge."""
        return Target(origin.removeprefix("https://"), self.edge, HTTPS_PORT)

    def send(self, request: Request) -> Response:
        """Return the whole answer to a request, whatever its status."""
        door = _Door(self.target(request.origin), self.context)
        try:
            answer = door.exchange(request)
            cookies = tuple(answer.headers.get_all("Set-Cookie", []))
            location, etag = answer.headers.get("Location", ""), answer.headers.get("ETag", "")
            return Response(answer.status, answer.read(), location, cookies, listing.bare(etag))
        finally:
            door.close()

    def break_off(self, request: Request, after: int) -> None:
        """Send a request but only `after` bytes of its body, and close the connection."""
        door = _Door(self.target(request.origin), self.context)
        try:
            door.putrequest(request.method, request.target)
            for name, value in (*request.headers, ("Content-Length", str(len(request.body)))):
                door.putheader(name, value)
            door.endheaders(request.body[:after])
        finally:
            door.close()

    def site(self, client: str = "drive", redirect: str = "") -> requests.Site:
        """Return the login as a client knows it, by default that of the cell."""
        back = redirect or f"{self.origin(self.cell)}/oidc-callback.html"
        return requests.Site(self.origin("login"), "skole", client, back)

    def tokens(
        self, username: str, site: requests.Site | None = None, password: str = ""
    ) -> Tokens:
        """Return the tokens of somebody who logs in; raise Unexpected when none are given."""
        secret = password or self.secrets["pupils"]
        steps = login.sign_in(site or self.site(), username, secret)
        try:
            step = next(steps)
            while True:
                # Nobody has to think here.
                seen = step.read(self.send(step.request)) if isinstance(step, Ask) else None
                step = steps.send(seen)
        except StopIteration as done:
            tokens: Tokens = done.value
            return tokens

    def pupil(self, username: str) -> Pupil:
        """Log a pupil in and find the space that is the pupil's own."""
        stranger = Pupil(self, self.tokens(username).access)
        return replace(stranger, root=drive.drive(stranger.drives()).root)


@dataclass(frozen=True)
class Pupil:
    """Somebody with a token, and the request target of a space or of a folder in it."""

    school: School
    token: str = field(repr=False)
    root: str = ""

    def ask(self, request: Request) -> Response:
        """Send a request to the cell with the pupil's token."""
        headers = (*request.headers, ("Authorization", f"Bearer {self.token}"))
        origin = self.school.origin(self.school.cell)
        return self.school.send(replace(request, origin=origin, headers=headers))

    def break_off(self, request: Request, after: int) -> None:
        """Send a request to the cell, but only `after` bytes of its body."""
        headers = (*request.headers, ("Authorization", f"Bearer {self.token}"))
        origin = self.school.origin(self.school.cell)
        self.school.break_off(replace(request, origin=origin, headers=headers), after)

    def send(self, method: str, target: str, body: bytes = b"") -> Response:
        """Send a request by its method and its target, as it stands."""
        return self.ask(Request("", method, target, body=body))

    def at(self, name: str | bytes) -> str:
        """Return the request target of what is called `name`."""
        return f"{self.root}/{quote(name, safe='')}"

    def drives(self) -> Response:
        """Ask for the personal space."""
        return self.ask(drive.drives(""))

    def listed(self) -> Response:
        """Ask for what the folder holds."""
        return self.ask(drive.properties("", self.root, 1))

    def names(self) -> set[str]:
        """Return the names in the folder."""
        return set(listing.held(self.listed(), self.root))
