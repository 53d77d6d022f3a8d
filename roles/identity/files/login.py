"""A login as a browser makes it: authorization code with PKCE, and out again.

It speaks HTTP to one Keycloak node and says, as the edge does, that the browser spoke HTTPS.
"""

from __future__ import annotations

import base64
import hashlib
import html
import http.client
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

_FORM = re.compile(r'<form\b[^>]*\bid="kc-form-login"[^>]*>')
_ACTION = re.compile(r'\baction="([^"]*)"')
_OK, _NO_CONTENT, _FOUND = 200, 204, 302


class LoginError(Exception):
    """A login that did not come to its end."""


@dataclass(frozen=True)
class Site:
    """Where to log in: a node's own address, and what the browser believes it speaks to."""

    url: str
    host: str
    realm: str
    client: str
    redirect: str

    def path(self, name: str) -> str:
        """Return the path of an OpenID Connect endpoint."""
        return f"/realms/{self.realm}/protocol/openid-connect/{name}"


@dataclass(frozen=True)
class Answer:
    """What a node answered."""

    status: int
    location: str
    cookies: dict[str, str]
    body: bytes

    def expect(self, status: int, step: str) -> Answer:
        """Return the answer itself, or raise LoginError where it has another status."""
        if self.status != status:
            raise LoginError(f"{step}: status {self.status}, expected {status}")
        return self


class Browser:
    """One connection to a node; each login on it has cookies of its own."""

    def __init__(self, site: Site) -> None:
        """Connect at the first request."""
        self.site = site
        address = urlsplit(site.url)
        self._connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=30
        )

    def log_in(self, username: str, password: str) -> dict[str, Any]:
        """Log in and return the tokens, or raise LoginError."""
        verifier = secrets.token_urlsafe(48)
        page = self._get(self._authorization(verifier)).expect(_OK, "login page")
        answer = self._post(
            _action(page.body.decode()),
            {"username": username, "password": password, "credentialId": ""},
            page.cookies,
        ).expect(_FOUND, "password")
        code = parse_qs(urlsplit(answer.location).query).get("code")
        if not code:
            raise LoginError(f"password: no code in {answer.location.partition('?')[0]}")
        form = {
            "grant_type": "authorization_code", "code": code[0], "code_verifier": verifier,
            "client_id": self.site.client, "redirect_uri": self.site.redirect,
        }  # fmt: skip
        tokens = self._post(self.site.path("token"), form).expect(_OK, "token")
        return dict(json.loads(tokens.body))

    def log_out(self, tokens: dict[str, Any]) -> None:
        """End the session that the tokens are of."""
        form = {"client_id": self.site.client, "refresh_token": tokens["refresh_token"]}
        self._post(self.site.path("logout"), form).expect(_NO_CONTENT, "logout")

    def _authorization(self, verifier: str) -> str:
        challenge = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code", "client_id": self.site.client, "scope": "openid",
            "redirect_uri": self.site.redirect, "state": secrets.token_urlsafe(12),
            "nonce": secrets.token_urlsafe(12), "code_challenge_method": "S256",
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
        }  # fmt: skip
        return f"{self.site.path('auth')}?{urlencode(query)}"

    def _get(self, path: str) -> Answer:
        return self._send("GET", path, None, {})

    def _post(
        self, path: str, form: dict[str, str], cookies: dict[str, str] | None = None
    ) -> Answer:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
        return self._send("POST", path, urlencode(form), headers)

    def _send(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> Answer:
        forwarded = {
            "Host": self.site.host, "X-Forwarded-Host": self.site.host,
            "X-Forwarded-Proto": "https", "X-Forwarded-Port": "443",
        }  # fmt: skip
        try:
            self._connection.request(method, path, body, forwarded | headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise LoginError(f"{method} {path.partition('?')[0]}: {error}") from error
        pairs = (
            c.partition(";")[0].partition("=") for c in response.headers.get_all("Set-Cookie", [])
        )
        cookies = {name: value for name, _, value in pairs}
        return Answer(response.status, response.headers.get("Location", ""), cookies, content)


def _action(page: str) -> str:
    """Return the path that the login form posts to."""
    form = _FORM.search(page)
    action = _ACTION.search(form[0]) if form else None
    if not action:
        raise LoginError("login page: no form kc-form-login")
    address = urlsplit(html.unescape(action[1]))
    return f"{address.path}?{address.query}"
