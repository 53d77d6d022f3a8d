"""What portal and login answer: pure parsers, which raise `Unexpected` with a short cause.

A cause is one of a few phrases, never text from the response, so that counts by cause stay
few and no report can carry a secret.
"""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from loadtests.steps import Unexpected

if TYPE_CHECKING:
    from collections.abc import Iterable

    from loadtests.requests import Response, Secrets, Site

FORM_ID = "kc-form-login"

# A regular expression rather than an HTML parser: the page is read once a pupil, and
# html.parser takes 2 to 3 ms for it, more than the rest of the login together. It is anchored
# on the form's id, takes attributes in any order and any quotes, and is tested by property.
# Each part begins with a character the one before cannot hold, so that it never backtracks far.
_ATTRIBUTE = r"""\s+([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?"""
_FORM_TAG = re.compile(rf"<[Ff][Oo][Rr][Mm]((?:{_ATTRIBUTE})+)\s*/?>")
_ATTRIBUTES = re.compile(_ATTRIBUTE)
# A cookie's attribute by which a site deletes it.
_DELETED = re.compile(r"(?:^|;)\s*max-age=0\s*(?:;|$)", re.IGNORECASE)
# What may stand in a header, RFC 6750, 2.1.
_FIT = re.compile(r"[A-Za-z0-9._~+/=-]+")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives, `seconds` being how long the access token holds."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    seconds: float


def portal(response: Response, links: Iterable[str]) -> None:
    """Check that the portal leads to every drive cell."""
    if response.status != 200:  # noqa: PLR2004 - HTTP says it
        raise Unexpected(str(response.status))
    if any(link.encode() not in response.body for link in links):
        raise Unexpected("no link")


def login_form(response: Response, site: Site) -> str:
    """Return the request target that the login form of a page is sent to."""
    if response.status != 200:  # noqa: PLR2004 - HTTP says it
        raise Unexpected(str(response.status))
    for tag in _FORM_TAG.finditer(response.body.decode("utf-8", "replace")):
        # Where an attribute is given twice, HTML takes the first: so reversed, the last wins.
        found = reversed(_ATTRIBUTES.findall(tag[1]))
        attributes = {name.lower(): _unquoted(value) for name, value in found}
        if html.unescape(attributes.get("id", "")) == FORM_ID:
            return _target(html.unescape(attributes.get("action", "")), site)
    raise Unexpected("no form")


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in {'"', "'"} else value


def _target(action: str, site: Site) -> str:
    """Return the path and query of a form's `action`; a password goes to our site only."""
    target = action.removeprefix(site.origin)
    if not target.startswith("/") or target.startswith("//") or re.search(r"[\s\x00-\x1f]", target):
        raise Unexpected("form goes elsewhere")
    return target.partition("#")[0]


def code(response: Response, site: Site, mine: Secrets) -> str:
    """Return the authorization code that the answer to a password carries."""
    if response.status == 200:  # noqa: PLR2004
        # Keycloak answers a wrong password, and much else, with the form and status 200.
        raise Unexpected("form again")
    if response.status != 302:  # noqa: PLR2004
        raise Unexpected(str(response.status))
    where, _, rest = response.location.partition("?")
    if where != site.redirect_uri:
        raise Unexpected("redirected elsewhere")
    query = parse_qs(rest.partition("#")[0])
    if "error" in query:
        raise Unexpected("refused")
    if query.get("state") != [mine.state]:
        raise Unexpected("wrong state")
    codes = query.get("code", [])
    if len(codes) != 1:
        raise Unexpected("no code")
    return codes[0]


def tokens(response: Response, site: Site, mine: Secrets, username: str, now: float) -> Tokens:
    """Return the tokens, checked to be this pupil's own and valid at `now`, in Unix seconds.

    The signature is not checked: the token came straight from the issuer over a verified TLS
    connection, which OpenID Connect Core 3.1.3.7 accepts in its place.
    """
    found, claims = _tokens(response)
    audience = claims.get("aud")
    ours = site.client_id in audience if isinstance(audience, list) else audience == site.client_id
    expires = claims.get("exp")
    checks = {
        "wrong issuer": claims.get("iss") == site.issuer,
        "wrong audience": ours and claims.get("azp", site.client_id) == site.client_id,
        "wrong nonce": claims.get("nonce") == mine.nonce,
        "wrong user": claims.get("preferred_username") == username,
        "expired": isinstance(expires, (int, float)) and expires > now,
    }
    for cause, holds in checks.items():
        if not holds:
            raise Unexpected(cause)
    return found


def refreshed(response: Response) -> Tokens:
    """Return the tokens that came for a refresh token."""
    return _tokens(response)[0]


def _tokens(response: Response) -> tuple[Tokens, dict[str, Any]]:
    """Return the tokens of a response, and the claims of the ID token among them."""
    if response.status != 200:  # noqa: PLR2004
        raise Unexpected(str(response.status))
    try:
        found = json.loads(response.body)
        claims = claims_of(found["id_token"])
        access, refresh = found["access_token"], found.get("refresh_token", "")
        seconds = found.get("expires_in", 0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unexpected("no token") from None
    if not (isinstance(access, str) and isinstance(refresh, str) and _FIT.fullmatch(access)):
        raise Unexpected("no token")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise Unexpected("no token")
    return Tokens(access, refresh, seconds), claims


def claims_of(token: str) -> dict[str, Any]:
    """Return the claims of a JSON Web Token, unverified; raise ValueError when it is none."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        raise ValueError("not a JSON Web Token")
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, RecursionError) as error:
        raise ValueError("not a JSON Web Token") from error
    if not isinstance(claims, dict):
        raise ValueError("not a JSON Web Token")  # noqa: TRY004 - one error for all callers
    return claims


def keep_cookies(jar: dict[str, str], response: Response) -> None:
    """Put the cookies of `response` into a pupil's `jar`, and take out what it deletes.

    Paths and domains are ignored: a login talks to one host, below one path.
    """
    for line in response.set_cookies:
        pair, _, attributes = line.partition(";")
        name, equals, value = pair.strip().partition("=")
        if not equals or not name:
            continue
        if _DELETED.search(attributes):
            jar.pop(name, None)
        else:
            jar[name] = value
