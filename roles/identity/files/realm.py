"""The administrator's view of a realm of Keycloak, by its own interface."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlencode

TOKEN_SECONDS = 30


class RealmError(Exception):
    """What Keycloak did not do, or did not answer."""


class Realm:
    """The administrator's view of a realm."""

    def __init__(self, url: str, realm: str, admin: str) -> None:
        """Name the realm; `url` is this node's own."""
        self._url, self._realm, self._admin = url, realm, admin
        self._token, self._token_end = "", 0.0

    def count(self, beginning: str) -> int:
        """Return how many accounts there are whose names begin so."""
        return int(self._call("GET", f"/users/count?username={beginning}"))

    def has(self, username: str) -> str | None:
        """Return the id of an account, if there is one."""
        found = self._call("GET", f"/users?{urlencode({'username': username, 'exact': 'true'})}")
        return str(found[0]["id"]) if found else None

    def credentials(self, username: str) -> list[dict[str, Any]]:
        """Return what is told of an account's credentials: all but the secrets themselves."""
        return list(self._call("GET", f"/users/{self.has(username)}/credentials"))

    def add(self, users: list[dict[str, Any]]) -> int:
        """Add accounts, leave those that are there, and return how many were new."""
        body = {"ifResourceExists": "SKIP", "users": users}
        return int(self._call("POST", "/partialImport", body)["added"])

    def set_password(self, identity: str, password: str) -> None:
        """Give an account another password."""
        body = {"type": "password", "value": password, "temporary": False}
        self._call("PUT", f"/users/{identity}/reset-password", body)

    def profile(self) -> dict[str, Any]:
        """Return what the realm asks of accounts: the declarative user profile."""
        return dict(self._call("GET", "/users/profile"))

    def set_profile(self, profile: dict[str, Any]) -> None:
        """Ask something else of accounts from now on."""
        self._call("PUT", "/users/profile", profile)

    def forget_failures(self) -> None:
        """Let accounts in again that failed too often."""
        self._call("DELETE", "/attack-detection/brute-force/users")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token()}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        return self._send(f"/admin/realms/{self._realm}{path}", method, data, headers)

    def token(self) -> str:
        """Return a token of the administrator; one lives for a minute."""
        if time.monotonic() >= self._token_end:
            form = {
                "grant_type": "password", "client_id": "admin-cli",
                "username": "klokken-admin", "password": self._admin,
            }  # fmt: skip
            path = "/realms/master/protocol/openid-connect/token"
            answer = self._send(path, "POST", urlencode(form).encode(), {})
            self._token = str(answer["access_token"])
            self._token_end = time.monotonic() + TOKEN_SECONDS
        return self._token

    def _send(self, path: str, method: str, data: bytes | None, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(self._url + path, data, headers, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=300) as response:  # noqa: S310
                return json.loads(response.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read(300).decode(errors="replace")
            raise RealmError(f"{method} {path}: {error.code} {text}") from error
        except OSError as error:
            raise RealmError(f"{method} {path}: {error}") from error
