#!/usr/bin/env python3
"""Write the synthetic pupils and the reserved accounts into a realm, those that are not there yet.

Standard input is one JSON object with where and how many, and the secrets. Standard output is one
JSON object with what was done. A pupil's password comes hashed with Keycloak's own parameters, so
that no login has to hash it anew.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlencode

from login import Browser, LoginError, Site

# What Keycloak 26 gives a new password: Argon2Parameters in its source.
ARGON2 = {
    "hashIterations": 5,
    "algorithm": "argon2",
    "additionalParameters": {
        "type": ["id"], "version": ["1.3"], "hashLength": ["32"],
        "memory": ["7168"], "parallelism": ["1"],
    },
}  # fmt: skip

TOKEN_SECONDS = 30


class AccountsError(Exception):
    """Accounts that could not be written."""


class Realm:
    """The administrator's view of a realm."""

    def __init__(self, url: str, realm: str, admin: str) -> None:
        """Name the realm; `url` is this node's own."""
        self._url, self._realm, self._admin = url, realm, admin
        self._token, self._token_end = "", 0.0

    def count(self) -> int:
        """Return how many pupils there are."""
        return int(self._call("GET", "/users/count?username=elev"))

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
            raise AccountsError(f"{method} {path}: {error.code} {text}") from error
        except OSError as error:
            raise AccountsError(f"{method} {path}: {error}") from error


def pupil(number: int, given: dict[str, Any]) -> dict[str, Any]:
    """Return the account of one synthetic pupil."""
    name = f"elev{number:07d}"
    secret = {
        "value": given["pupils_hash"],
        "salt": given["pupils_salt"],
        "additionalParameters": {},
    }
    return _account(name, "Elev", f"{number:07d}", given["domain"]) | {
        "credentials": [
            {
                "type": "password",
                "secretData": json.dumps(secret),
                "credentialData": json.dumps(ARGON2),
            }
        ]
    }


def _account(name: str, first: str, last: str, domain: str) -> dict[str, Any]:
    return {
        "username": name, "enabled": True, "emailVerified": True, "email": f"{name}@{domain}",
        "firstName": first, "lastName": last,
    }  # fmt: skip


def write_pupils(realm: Realm, given: dict[str, Any]) -> int:
    """Add the pupils that are missing and return how many that were."""
    wanted, batch = given["count"], given["batch"]

    def add(start: int) -> int:
        numbers = range(start, min(start + batch, wanted + 1))
        return realm.add([pupil(number, given) for number in numbers])

    def add_from(there: int) -> int:
        # Batches before that of the last one there are taken to be complete.
        starts = range(1 + there // batch * batch, wanted + 1, batch)
        with ThreadPoolExecutor(given["threads"]) as pool:
            return sum(pool.map(add, starts))

    there = realm.count()
    added = add_from(there) if there < wanted else 0
    if realm.count() < wanted:
        added += add_from(0)
    return added


def write_reserved(realm: Realm, browser: Browser, given: dict[str, Any]) -> bool:
    """Add the reserved accounts, or give them their password; return whether anything changed."""
    password = {"type": "password", "value": given["warmup"]}
    there = {name: realm.has(name) for name in given["reserved"]}
    realm.add(
        [
            _account(name, "Klokken", "Warm-up", given["domain"]) | {"credentials": [password]}
            for name, identity in there.items()
            if identity is None
        ]
    )
    stale = [] if logs_in(browser, given["reserved"][0], given["warmup"]) else there.values()
    for identity in filter(None, stale):
        realm.set_password(identity, given["warmup"])
    if stale:
        realm.forget_failures()
    return bool(stale) or None in there.values()


def logs_in(browser: Browser, username: str, password: str) -> bool:
    """Log in and out, and return whether that went well."""
    try:
        browser.log_out(browser.log_in(username, password))
    except LoginError:
        return False
    return True


def main() -> None:
    """Write the accounts, then log in as one of them."""
    given = json.load(sys.stdin)
    realm = Realm(given["url"], given["realm"], given["admin"])
    browser = Browser(
        Site(given["url"], given["host"], given["realm"], given["client"], given["redirect"])
    )
    start = time.monotonic()
    try:
        added = write_pupils(realm, given)
        seconds = round(time.monotonic() - start, 1)
        changed = write_reserved(realm, browser, given) or added > 0
        total = realm.count()
    except AccountsError as error:
        sys.exit(str(error))
    if not logs_in(browser, given["reserved"][0], given["warmup"]):
        sys.exit(f"{given['reserved'][0]} cannot log in at {given['url']}")
    done = {"changed": changed, "added": added, "accounts": total, "seconds": seconds}
    sys.stdout.write(json.dumps(done))


if __name__ == "__main__":
    main()
