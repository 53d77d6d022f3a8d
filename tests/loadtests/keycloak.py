"""A login in memory that gives Keycloak's answers, for tests."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

from loadtests.requests import Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

REALM = "skole"
CLIENT = "drive"
PASSWORD = "only for tests"  # noqa: S105
ACTION = f"/realms/{REALM}/login-actions/authenticate"
COOKIE = "AUTH_SESSION_ID=x"

PAGE = """<!DOCTYPE html><html><body><form action="/search" id="other"></form>
<form id="kc-form-login" onsubmit="login.disabled = true; return true;"
 action="{action}" method="post" novalidate="novalidate">
<input name="username"><input name="password" type="password"></form></body></html>"""


def token_of(claims: dict[str, Any]) -> str:
    """Return an unsigned JSON Web Token."""
    parts = [{"alg": "none"}, claims]
    coded = [base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts]
    return ".".join([*coded, "x"])


@dataclass
class Keycloak:
    """The login at `origin`. Logins of the users in `forgetful` get the form again.

    Access tokens hold for `life` seconds of `clock`; without `remembering` no refresh token is
    taken.
    """

    origin: str
    forgetful: AbstractSet[str] = frozenset()
    life: float = 300.0
    remembering: bool = True
    clock: Callable[[], float] = time.time
    logins: list[str] = field(default_factory=list)
    refreshed: list[str] = field(default_factory=list)
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict)

    def user(self, token: str) -> str | None:
        """Return whose access token this is, or nothing where it does not hold."""
        user, until = self._tokens.get(token, ("", 0.0))
        return user if self.clock() < until else None

    def answer(self, request: Request) -> Response:
        """Answer the next request of somebody's login."""
        if request.method == "GET":
            return self._page(request)
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if request.target.startswith(ACTION):
            return self._password(request, form)
        if form["grant_type"] == "refresh_token":
            return self._refresh(form["refresh_token"])
        user, nonce = json.loads(form["code"])
        self.logins.append(user)
        return self._grant(user, nonce)

    def _page(self, request: Request) -> Response:
        query = parse_qs(urlsplit(request.target).query)
        wanted = [query[name][0] for name in ("state", "nonce", "redirect_uri")]
        kept = quote(json.dumps(wanted), safe="")
        action = f"{self.origin}{ACTION}?session_code=a&amp;execution=b&amp;kept={kept}"
        body = PAGE.format(action=action).encode()
        return Response(200, body, set_cookies=(f"{COOKIE}; Path=/; Secure",))

    def _password(self, request: Request, form: dict[str, str]) -> Response:
        user = form["username"]
        right = form["password"] == PASSWORD and dict(request.headers).get("Cookie") == COOKIE
        if not right or user in self.forgetful:
            return Response(200, PAGE.format(action=ACTION).encode())
        kept = parse_qs(urlsplit(request.target).query)["kept"][0]
        state, nonce, redirect = json.loads(kept)
        code = quote(json.dumps([user, nonce]), safe="")
        return Response(302, location=f"{redirect}?state={state}&session_state=s&code={code}")

    def _refresh(self, token: str) -> Response:
        if not self.remembering:
            return Response(400, b'{"error": "invalid_grant"}')
        user = token.removeprefix("again-")
        self.refreshed.append(user)
        return self._grant(user, "")

    def _grant(self, user: str, nonce: str) -> Response:
        now = self.clock()
        claims = {
            "iss": f"{self.origin}/realms/{REALM}",
            "aud": CLIENT,
            "azp": CLIENT,
            "nonce": nonce,
            "preferred_username": user,
            "exp": now + self.life,
        }
        access = f"{user}.{len(self._tokens)}"
        self._tokens[access] = (user, now + self.life)
        body = {
            "access_token": access,
            "refresh_token": f"again-{user}",
            "expires_in": self.life,
            "id_token": token_of(claims),
        }
        return Response(200, json.dumps(body).encode())
