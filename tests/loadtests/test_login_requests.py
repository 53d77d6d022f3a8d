from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests import answers, requests
from loadtests.requests import Response, Secrets, Site
from loadtests.steps import Unexpected
from tests.loadtests.keycloak import token_of

SITE = Site("https://login.skole.test", "skole", "drive", "https://drive.skole.test/cb")
MINE = Secrets("v" * 43, "the-state", "the-nonce")
TARGETS = st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Z"]), max_size=80).map(
    lambda t: "/realms/" + t.replace("#", "")
)
QUOTES = st.sampled_from(["'", '"'])


def page(form: str, status: int = 200) -> Response:
    return Response(status, f"<html><body class='a>b'>{form}</body></html>".encode())


@st.composite
def tags(draw: st.DrawFn, action: str) -> str:
    """Return a form tag with Keycloak's id, its attributes in any order and any quotes."""
    quoted = {"id": answers.FORM_ID, "action": action, "onsubmit": "a.disabled = 1 > 0; return 1"}
    attributes = []
    for name, value in draw(st.permutations(sorted(quoted.items()))):
        mark = draw(QUOTES)
        escaped = html.escape(value, quote=True)
        spelled = draw(st.sampled_from([name, name.upper(), name.title()]))
        gap = draw(st.sampled_from(["", " ", "\n  "]))
        attributes.append(f"{spelled}{gap}={gap}{mark}{escaped}{mark}")
    attributes += draw(st.lists(st.sampled_from(["novalidate", "data-x=1", 'class="a b"'])))
    blank = draw(st.sampled_from([" ", "\n\t", "  "]))
    return f"<form{blank}{blank.join(attributes)}{draw(st.sampled_from(['', ' ', ' /']))}>"


@given(st.data())
def test_the_form_is_found_by_its_id_however_it_is_written(data: st.DataObject) -> None:
    target = data.draw(TARGETS)
    decoys = data.draw(
        st.lists(
            st.sampled_from(
                [
                    '<form action="/search">',
                    '<form id="kc-form-login2" action="/wrong">',
                    '<form id="x" data-id="kc-form-login" action="/wrong">',
                    '<div id="kc-form-login" action="/wrong">',
                    '<form action="/wrong" class="id=kc-form-login">',
                ]
            )
        )
    )
    where = data.draw(st.sampled_from([SITE.origin + target, target]))
    form = "".join(decoys) + data.draw(tags(where))
    assert answers.login_form(page(form), SITE) == target


@given(st.binary(max_size=400))
def test_any_bytes_are_a_form_or_a_short_cause(body: bytes) -> None:
    with pytest.raises(Unexpected, match=r"^no form$"):
        answers.login_form(Response(200, body), SITE)


@pytest.mark.parametrize(
    "action",
    [
        "https://elsewhere.test/realms/skole",
        "https://login.skole.test.elsewhere.test/",
        "https://login.skole.test@elsewhere.test/",
        "//elsewhere.test/",
        "javascript:alert(1)",
        "/realms HTTP/1.1\r\nHost: x",
        "",
    ],
)
def test_a_password_is_never_sent_to_another_site(action: str) -> None:
    form = f'<form id="kc-form-login" action="{html.escape(action)}">'
    with pytest.raises(Unexpected, match=r"^form goes elsewhere$"):
        answers.login_form(page(form), SITE)


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_a_login_page_with_another_status_is_named_by_it(status: int) -> None:
    with pytest.raises(Unexpected, match=rf"^{status}$"):
        answers.login_form(page('<form id="kc-form-login" action="/x">', status), SITE)


def test_the_login_page_is_asked_for_with_pkce_state_and_nonce() -> None:
    request = requests.login_page(SITE, MINE)
    parts = urlsplit(request.target)
    assert (request.method, parts.path) == ("GET", "/realms/skole/protocol/openid-connect/auth")
    digest = hashlib.sha256(MINE.verifier.encode()).digest()
    assert parse_qs(parts.query) == {
        "response_type": ["code"],
        "client_id": ["drive"],
        "redirect_uri": [SITE.redirect_uri],
        "scope": ["openid"],
        "state": ["the-state"],
        "nonce": ["the-nonce"],
        "code_challenge": [base64.urlsafe_b64encode(digest).decode().rstrip("=")],
        "code_challenge_method": ["S256"],
    }


def test_no_two_logins_share_their_secrets() -> None:
    many = [Secrets.fresh() for _ in range(100)]
    assert (
        len({s.verifier for s in many} | {s.state for s in many} | {s.nonce for s in many}) == 300
    )
    assert all(43 <= len(s.verifier) <= 128 for s in many)


@given(user=st.text(max_size=20), secret=st.text(max_size=40))
def test_the_form_carries_name_and_password_whatever_they_hold(user: str, secret: str) -> None:
    request = requests.password(SITE, "/x", {"A": "1", "B": "2"}, user, secret)
    form = parse_qs(request.body.decode("ascii"), keep_blank_values=True)
    assert form == {"username": [user], "password": [secret], "credentialId": [""]}
    assert dict(request.headers)["Cookie"] == "A=1; B=2"


SOME = st.text(min_size=1, max_size=40)


@given(code=SOME, extra=st.dictionaries(st.sampled_from(["session_state", "iss"]), SOME))
def test_the_code_is_read_out_of_the_redirect(code: str, extra: dict[str, str]) -> None:
    query = urlencode({**extra, "code": code, "state": MINE.state}, quote_via=quote)
    response = Response(302, location=f"{SITE.redirect_uri}?{query}")
    assert answers.code(response, SITE, MINE) == code


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (Response(200, b"the form"), "form again"),
        (Response(503), "503"),
        (Response(302), "redirected elsewhere"),
        (
            Response(302, location="https://evil.test/cb?code=a&state=the-state"),
            "redirected elsewhere",
        ),
        (
            Response(302, location=f"{SITE.redirect_uri}x?code=a&state=the-state"),
            "redirected elsewhere",
        ),
        (Response(302, location=f"{SITE.redirect_uri}?error=x&state=the-state"), "refused"),
        (Response(302, location=f"{SITE.redirect_uri}?code=a&state=other"), "wrong state"),
        (Response(302, location=f"{SITE.redirect_uri}?state=the-state"), "no code"),
        (Response(302, location=f"{SITE.redirect_uri}?code=a&code=b&state=the-state"), "no code"),
    ],
)
def test_an_answer_to_the_password_without_a_code_is_named(response: Response, cause: str) -> None:
    with pytest.raises(Unexpected, match=rf"^{cause}$"):
        answers.code(response, SITE, MINE)


def tokens(**changes: Any) -> Response:
    claims = {
        "iss": "https://login.skole.test/realms/skole",
        "aud": "drive",
        "azp": "drive",
        "nonce": "the-nonce",
        "preferred_username": "elev0000001",
        "exp": 1000,
    }
    coded = token_of({k: v for k, v in (claims | changes).items() if v is not None})
    return Response(200, json.dumps({"access_token": "a", "id_token": coded}).encode())


def check(response: Response) -> None:
    answers.tokens(response, SITE, MINE, "elev0000001", now=999.0)


@pytest.mark.parametrize("audience", ["drive", ["account", "drive"]])
def test_a_pupils_own_token_is_accepted(audience: Any) -> None:
    check(tokens(aud=audience))


@pytest.mark.parametrize(
    ("response", "cause"),
    [
        (tokens(iss="https://login.skole.test/realms/other"), "wrong issuer"),
        (tokens(aud="other"), "wrong audience"),
        (tokens(aud=["other"]), "wrong audience"),
        (tokens(aud=None), "wrong audience"),
        (tokens(azp="other"), "wrong audience"),
        (tokens(nonce="old"), "wrong nonce"),
        (tokens(nonce=None), "wrong nonce"),
        (tokens(preferred_username="elev0000002"), "wrong user"),
        (tokens(exp=999), "expired"),
        (tokens(exp="never"), "expired"),
        (Response(400, b"{}"), "400"),
        (Response(200, b"<html>"), "no token"),
        (Response(200, b"[]"), "no token"),
        (Response(200, b'{"id_token": 3, "access_token": "a"}'), "no token"),
        (Response(200, b'{"id_token": "a.b", "access_token": "a"}'), "no token"),
        (Response(200, b"[" * 100_000), "no token"),
    ],
)
def test_a_token_that_is_not_the_pupils_own_is_named(response: Response, cause: str) -> None:
    with pytest.raises(Unexpected, match=f"^{re.escape(cause)}$"):
        check(response)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(JSON)
def test_any_json_is_a_token_or_a_short_cause(value: Any) -> None:
    with pytest.raises(Unexpected):
        check(Response(200, json.dumps(value).encode()))


@given(st.dictionaries(st.text(max_size=10), JSON, max_size=5))
def test_the_claims_of_a_token_are_what_was_put_in(claims: dict[str, Any]) -> None:
    assert answers.claims_of(token_of(claims)) == claims


@given(st.text(max_size=60))
def test_any_text_is_a_token_or_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="JSON"):
        answers.claims_of(text)


def test_cookies_are_kept_replaced_and_deleted() -> None:
    jar: dict[str, str] = {}
    lines = ("A=1; Path=/; Secure", "B=x=y", "nonsense", "=z")
    answers.keep_cookies(jar, Response(200, set_cookies=lines))
    assert jar == {"A": "1", "B": "x=y"}
    answers.keep_cookies(jar, Response(302, set_cookies=("A=; Max-Age=0", "B=2;HttpOnly")))
    assert jar == {"B": "2"}
