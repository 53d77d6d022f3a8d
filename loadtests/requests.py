"""The requests of portal and login: one pure function each, from values to a `Request`.

Nothing here touches a network. Request targets are origin-form (a path and a query); which
address an origin has is the transport's business alone.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import quote, quote_plus, urlencode

Headers: TypeAlias = tuple[tuple[str, str], ...]

_FORM: Headers = (("Content-Type", "application/x-www-form-urlencoded"),)


@dataclass(slots=True)
class Request:
    """One HTTP request to an `origin` such as https://login.skole.test.

    The body of the response to a `bulk` one is counted and not kept. After the `last` one for
    long the client closes the connection, which the site would close without being noticed.
    """

    origin: str
    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    bulk: bool = False
    last: bool = False


@dataclass(slots=True)
class Response:
    """One HTTP response, its body whole; `location` and the bare `etag` are empty where none is.

    `length` is that of the body in bytes, also where the body itself was not kept.
    """

    status: int
    body: bytes = b""
    location: str = ""
    set_cookies: tuple[str, ...] = ()
    etag: str = ""
    length: int = 0

    def __post_init__(self) -> None:
        """Count the body where nobody has."""
        self.length = self.length or len(self.body)


@dataclass(frozen=True, slots=True)
class Site:
    """The login of a site, as a client knows it.

    `origin` is the scheme and host of Keycloak, such as https://login.skole.test.
    """

    origin: str
    realm: str
    client_id: str
    redirect_uri: str
    issuer: str = field(init=False)
    # Request targets, the first up to what a login makes up, and what a trade of codes begins with.
    login_target: str = field(init=False)
    token_target: str = field(init=False)
    code_form: str = field(init=False)

    def __post_init__(self) -> None:
        """Write once what every pupil's requests have in common, which is most of their cost."""
        path = f"/realms/{quote(self.realm, safe='')}"
        endpoint = f"{path}/protocol/openid-connect"
        client = {"client_id": self.client_id, "redirect_uri": self.redirect_uri}
        asked = urlencode({"response_type": "code", **client, "scope": "openid"})
        derived = {
            "issuer": self.origin + path,
            "login_target": f"{endpoint}/auth?{asked}",
            "token_target": f"{endpoint}/token",
            "code_form": urlencode({"grant_type": "authorization_code", **client}),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a client makes up for one login: the PKCE verifier, the state and the nonce.

    They hold only what may stand in a URL as it is.
    """

    verifier: str
    state: str
    nonce: str

    @classmethod
    def fresh(cls) -> Secrets:
        """Return random ones, the verifier with 256 bits as RFC 7636 recommends."""
        # Six bits a character: 258 of them for the verifier, and 132 for each of the others.
        drawn = secrets.token_urlsafe(66)
        return cls(drawn[:43], drawn[43:65], drawn[65:87])

    @property
    def challenge(self) -> str:
        """The PKCE challenge S256 of the verifier, RFC 7636 section 4.2."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def portal(origin: str) -> Request:
    """Ask for the page that a school morning begins at."""
    return Request(origin, "GET", "/")


def login_page(site: Site, mine: Secrets) -> Request:
    """Ask for the page with the login form."""
    made_up = (
        f"&state={mine.state}&nonce={mine.nonce}"
        f"&code_challenge={mine.challenge}&code_challenge_method=S256"
    )
    return Request(site.origin, "GET", site.login_target + made_up)


def password(
    site: Site, target: str, cookies: dict[str, str], username: str, secret: str
) -> Request:
    """Send the login form to its own `target`, with the cookies that came with it."""
    body = f"username={quote_plus(username)}&password={quote_plus(secret)}&credentialId="
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = (*_FORM, ("Cookie", cookie))
    return Request(site.origin, "POST", target, headers, body.encode("ascii"))


def token(site: Site, mine: Secrets, code: str, *, last: bool = False) -> Request:
    """Trade the `code` for tokens. The drive's own client does this, without cookies."""
    form = f"{site.code_form}&code={quote_plus(code)}&code_verifier={mine.verifier}"
    return Request(site.origin, "POST", site.token_target, _FORM, form.encode("ascii"), last=last)


def refresh(site: Site, token: str) -> Request:
    """Trade a refresh token for new tokens, which then hold for longer than a connection."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": site.client_id}
    body = urlencode(form).encode("ascii")
    return Request(site.origin, "POST", site.token_target, _FORM, body, last=True)
