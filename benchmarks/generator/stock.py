"""The login as a user of Locust writes it from its documentation: a User a pupil, its own client.

Started with as many users a second as logins are wanted; each makes one and stays. `Fast` is on
FastHttpUser, `Plain` on HttpUser.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import os
import re
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import gevent
from locust import FastHttpUser, HttpUser, User, constant, task

_CASE = json.loads(Path(os.environ["BENCHMARK_CASE"]).read_text())
_LOGIN = _CASE["login"]
_PATH = f"/realms/{_LOGIN['realm']}/protocol/openid-connect"
_FORM = re.compile(r'<form id="kc-form-login"[^>]* action="([^"]+)"')


class _Pupil(User):
    abstract = True
    # One login each: who stopped instead would be replaced, and logins be more than asked for.
    wait_time = constant(3600)
    host = _LOGIN["origin"]
    client: Any

    def on_start(self) -> None:
        """Wait to be due, where it is waiting that is measured."""
        if _CASE["waiting"]:
            gevent.sleep(3600.0)

    @task
    def sign_in(self) -> None:
        verifier, state, nonce = (secrets.token_urlsafe(n) for n in (32, 16, 16))
        digest = hashlib.sha256(verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": _LOGIN["client_id"],
            "redirect_uri": _LOGIN["redirect_uri"],
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        page = self.client.get(f"{_PATH}/auth?{urlencode(query)}", name="login_page")
        form = _FORM.search(page.text)
        number = 1 + secrets.randbelow(_LOGIN["pupils"])
        username = _LOGIN["username"] or f"elev{number:07d}"
        answer = self.client.post(
            html.unescape(form[1]) if form else "",
            data={"username": username, "password": _LOGIN["password"], "credentialId": ""},
            allow_redirects=False,
            name="password",
        )
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        if query["state"] != [state]:
            raise ValueError("wrong state")
        trade = {
            "grant_type": "authorization_code",
            "code": query["code"][0],
            "redirect_uri": _LOGIN["redirect_uri"],
            "client_id": _LOGIN["client_id"],
            "code_verifier": verifier,
        }
        token = {"data": trade, "name": "token", "catch_response": True}
        with self.client.post(f"{_PATH}/token", **token) as answer:
            if not _right(answer.json()["id_token"], nonce, username):
                answer.failure("wrong token")


def _right(token: str, nonce: str, username: str) -> bool:
    part = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    expected = {
        "iss": f"{_LOGIN['origin']}/realms/{_LOGIN['realm']}",
        "aud": _LOGIN["client_id"],
        "nonce": _LOGIN["nonce"] or nonce,
        "preferred_username": username,
    }
    right = all(claims[name] == value for name, value in expected.items())
    return right and bool(claims["exp"] > time.time())


class Fast(_Pupil, FastHttpUser):
    """A pupil on geventhttpclient."""


class Plain(_Pupil, HttpUser):
    """A pupil on requests, who is told which authority to believe."""

    def on_start(self) -> None:
        """Believe the site's authority alone."""
        self.client.verify = _LOGIN["ca_file"]
        super().on_start()
