#!/usr/bin/env python3
"""Write the synthetic pupils, their teachers and the reserved accounts, those not there yet.

Standard input is one JSON object with where and how many, and the secrets. Standard output is one
JSON object with what was done. A pupil's password comes hashed with Keycloak's own parameters, so
that no login has to hash it anew.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from login import Browser, LoginError, Site
from realm import Realm, RealmError

# What Keycloak 26 gives a new password: Argon2Parameters in its source.
ARGON2 = {
    "hashIterations": 5,
    "algorithm": "argon2",
    "additionalParameters": {
        "type": ["id"], "version": ["1.3"], "hashLength": ["32"],
        "memory": ["7168"], "parallelism": ["1"],
    },
}  # fmt: skip

# The beginnings of the names of those who are many, what they are called, and the digits of their
# numbers.
PUPIL = ("elev", "Elev", 7)
TEACHER = ("laerer", "Lærer", 6)
Kind = tuple[str, str, int]


def person(kind: Kind, number: int, given: dict[str, Any]) -> dict[str, Any]:
    """Return the account of one synthetic pupil or teacher."""
    beginning, title, digits = kind
    secret = {
        "value": given["pupils_hash"],
        "salt": given["pupils_salt"],
        "additionalParameters": {},
    }
    last = f"{number:0{digits}d}"
    return _account(f"{beginning}{last}", title, last, given["domain"]) | {
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


def write(realm: Realm, kind: Kind, wanted: int, given: dict[str, Any]) -> int:
    """Add those of `wanted` accounts that are missing and return how many that were."""
    batch = given["batch"]

    def add(start: int) -> int:
        numbers = range(start, min(start + batch, wanted + 1))
        return realm.add([person(kind, number, given) for number in numbers])

    def add_from(there: int) -> int:
        # Batches before that of the last one there are taken to be complete.
        starts = range(1 + there // batch * batch, wanted + 1, batch)
        with ThreadPoolExecutor(given["threads"]) as pool:
            return sum(pool.map(add, starts))

    there = realm.count(kind[0])
    added = add_from(there) if there < wanted else 0
    if realm.count(kind[0]) < wanted:
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
        added = write(realm, PUPIL, given["count"], given)
        added += write(realm, TEACHER, given["teachers"], given)
        seconds = round(time.monotonic() - start, 1)
        changed = write_reserved(realm, browser, given) or added > 0
        total = realm.count(PUPIL[0])
    except RealmError as error:
        sys.exit(str(error))
    if not logs_in(browser, given["reserved"][0], given["warmup"]):
        sys.exit(f"{given['reserved'][0]} cannot log in at {given['url']}")
    done = {"changed": changed, "added": added, "accounts": total, "seconds": seconds}
    sys.stdout.write(json.dumps(done))


if __name__ == "__main__":
    main()
