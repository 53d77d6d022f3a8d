"""The null transport: answers every request in the process itself, as a site would.

A dry run has it in place of connections, and sends nothing anywhere. So what is measured is the
load generator alone: arrivals, journeys, parsers, records. What can be written beforehand is;
the rest is what follows from the pupil.
"""

from __future__ import annotations

import base64
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import unquote

import gevent

from loadtests.null_drive import Cell
from loadtests.requests import Response

if TYPE_CHECKING:
    from klokken.results import StormPlan
    from loadtests.requests import Request

# How long the tokens of a fresh realm hold, in seconds.
_LIFE = 300
# In the order in which `requests.login_page` writes them.
_ASKED = re.compile(r"redirect_uri=([^&]*)&.*state=([^&]*)&nonce=([^&]*)&")
_COOKIES = tuple(
    f"{name}={'x' * length}; Version=1; Path=/realms/skole/; Secure; HttpOnly; SameSite=None"
    for name, length in (("AUTH_SESSION_ID", 72), ("KC_AUTH_SESSION_HASH", 43), ("KC_RESTART", 700))
)
# A page as long as Keycloak's own, its form some way down.
_SCRIPT = '<script type="module">const a = document.querySelector("#kc-login"); </script>\n'
_PAGE = (
    '<!DOCTYPE html><html class="login-pf" lang="da"><head><title>Log ind</title>\n'
    + _SCRIPT * 45
    + '</head><body id="keycloak-bg"><div class="pf-v5-c-login__main-body">\n'
    '<form id="kc-form-login" class="pf-v5-c-form" onsubmit="login.disabled = true; return true;"'
    ' action="{action}" method="post" novalidate="novalidate">\n'
    '<input id="username" name="username" value="" type="text" autocomplete="username"/>\n'
    '<input id="password" name="password" value="" type="password"/>\n'
    '<input type="hidden" id="id-hidden-input" name="credentialId"/>\n'
    '<button id="kc-login" name="login" type="submit">Log ind</button></form>\n'
    + _SCRIPT * 10
    + "</div></body></html>"
)


class Null:
    """Makes connections that lead nowhere; for the storm of `plan`."""

    # What a real transport knows of the handshakes.
    tls = ""

    def __init__(self, plan: StormPlan) -> None:
        """Write down beforehand what is the same for everyone."""
        login = plan.login_url.rstrip("/")
        realm = f"/realms/{plan.realm}"
        self.seconds = plan.dry_answer_seconds or 0.0
        self.cell = Cell.of(plan)
        self.login, self.portal = login, plan.portal_url
        action = (
            f"{login}{realm}/login-actions/authenticate?session_code={'s' * 43}"
            f"&amp;execution={'e' * 36}&amp;client_id={plan.client_id}&amp;tab_id={'t' * 11}"
        )
        self.page = Response(200, _PAGE.replace("{action}", action).encode(), set_cookies=_COOKIES)
        links = "".join(f'<a href="{cell}/">Mit drev</a>\n' for cell in plan.cell_urls)
        self.portal_page = Response(200, f"<!DOCTYPE html><html><body>{links}</body>".encode())
        self.token_path = f"{realm}/protocol/openid-connect/token"
        self.claims = (
            f'"jti":"{"j" * 36}","iss":"{login}{realm}","aud":"{plan.client_id}","typ":"ID",'
            f'"azp":"{plan.client_id}","sid":"{"i" * 36}","acr":"1","email_verified":false,'
        )
        header = _coded(b'{"alg":"RS256","typ":"JWT","kid":"%s"}' % (b"k" * 43))
        self.access = f"{header}.{'a' * 700}.{'s' * 342}"
        self.before = (
            f'{{"access_token":"{self.access}","expires_in":{_LIFE},"refresh_expires_in":1800,'
            f'"refresh_token":"{self.access}","token_type":"Bearer","id_token":"{header}.'
        )
        self.after = f'.{"s" * 342}","not-before-policy":0,"scope":"openid profile email"}}'

    def connection(self) -> NullConnection:
        """Return a pupil's connection."""
        return NullConnection(self)

    def tokens(self, username: str, nonce: str) -> Response:
        """Return what the token endpoint answers."""
        claims = (
            f'{{"exp":{int(time.time()) + _LIFE},{self.claims}"nonce":"{nonce}",'
            f'"preferred_username":"{username}"}}'
        )
        return Response(200, f"{self.before}{_coded(claims.encode())}{self.after}".encode())


class NullConnection:
    """One pupil's way to the site that is not there; it remembers the pupil."""

    __slots__ = ("_asked", "_null", "_saved", "_username")

    def __init__(self, null: Null) -> None:
        """Make one of a pupil who has not signed in."""
        self._null = null
        self._asked = ("", "", "")
        self._username = ""
        self._saved: tuple[int, str] = (0, "")

    def send(self, request: Request) -> Response:
        """Return the response that a site would give."""
        null = self._null
        if null.seconds:
            gevent.sleep(null.seconds)
        if request.origin == null.login:
            return self._sign_in(request)
        if request.origin == null.portal:
            return null.portal_page
        if request.method == "PUT":
            self._saved = (len(request.body), f"{self._saved[0] + 1:032x}")
        return null.cell.answer(request, self._username, self._saved)

    def close(self) -> None:
        """There is nothing to close."""

    def _sign_in(self, request: Request) -> Response:
        null = self._null
        if request.method == "GET":
            if (asked := _ASKED.search(request.target)) is None:
                return Response(400)
            self._asked = (asked[1], asked[2], asked[3])
            return null.page
        redirect, state, nonce = self._asked
        if request.target == null.token_path:
            return null.tokens(self._username, nonce)
        self._username = request.body.partition(b"&")[0].partition(b"=")[2].decode()
        session, code = "i" * 36, "c" * 110
        where = f"{unquote(redirect)}?state={state}&session_state={session}&code={code}"
        return Response(302, location=where, set_cookies=_COOKIES)


def _coded(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()
