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

    The body of the response to a `bulk` one is counted and not kept.
    """

    origin: str
    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    bulk: bool = False


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
    path: str = field(init=False)
    issuer: str = field(init=False)
    # What is the same in every login, as it stands in a query and in a form.
    asked: str = field(init=False)
    traded: str = field(init=False)

    def __post_init__(self) -> None:
        """Derive what every request needs once, rather than once a pupil."""
        path = f"/realms/{quote(self.realm, safe='')}"
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "issuer", self.origin + path)
        client = {"client_id": self.client_id, "redirect_uri": self.redirect_uri}
        asked = {"response_type": "code", **client, "scope": "openid"}
        object.__setattr__(self, "asked", urlencode(asked))
        object.__setattr__(
            self, "traded", urlencode({"grant_type": "authorization_code", **client})
        )


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a client makes up for one login: the PKCE verifier, the state and the nonce.

    All are of the URL-safe alphabet of base64, so that they go into a query as they are.
    """

    verifier: str
    state: str
    nonce: str

    @classmethod
    def fresh(cls) -> Secrets:
        """Return random ones, the verifier with 256 bits as RFC 7636 recommends."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(16), secrets.token_urlsafe(16))

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
    query = (
        f"{site.asked}&state={mine.state}&nonce={mine.nonce}"
        f"&code_challenge={mine.challenge}&code_challenge_method=S256"
    )
    return Request(site.origin, "GET", f"{site.path}/protocol/openid-connect/auth?{query}")


def password(
    site: Site, target: str, cookies: dict[str, str], username: str, secret: str
) -> Request:
    """Send the login form to its own `target`, with the cookies that came with it."""
    body = f"username={quote_plus(username)}&password={quote_plus(secret)}&credentialId="
    cookie = "; ".join(f"{name}={value}" for name, value in cookies.items())
    headers = (*_FORM, ("Cookie", cookie))
    return Request(site.origin, "POST", target, headers, body.encode("ascii"))


def token(site: Site, mine: Secrets, code: str) -> Request:
    """Trade the `code` for tokens. The drive's own client does this, without cookies."""
    return _tokens(site, f"{site.traded}&code={quote_plus(code)}&code_verifier={mine.verifier}")


def refresh(site: Site, token: str) -> Request:
    """Trade a refresh token for new tokens."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": site.client_id}
    return _tokens(site, urlencode(form))


def _tokens(site: Site, form: str) -> Request:
    target = f"{site.path}/protocol/openid-connect/token"
    return Request(site.origin, "POST", target, _FORM, form.encode("ascii"))
