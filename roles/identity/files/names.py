#!/usr/bin/env python3
"""Let nobody in a realm have one of the reserved names.

Standard input is one JSON object: `url`, `realm`, `admin` (a password) and `names`. Standard output
is one JSON object that says whether anything was `changed`.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

from realm import Realm, RealmError


def pattern(names: list[str]) -> dict[str, str]:
    """Return the validation of a user name that is none of `names`; Keycloak lowers its case."""
    barred = "|".join(re.escape(name.lower()) for name in sorted(names))
    return {"pattern": f"^(?!(?:{barred})$).*$", "error-message": "reserved-user-name"}


def bar(profile: dict[str, Any], names: list[str]) -> bool:
    """Put the validation into a user profile; return whether it was not there."""
    for attribute in profile["attributes"]:
        if attribute["name"] == "username":
            validations = attribute.setdefault("validations", {})
            wanted = pattern(names)
            changed = bool(validations.get("pattern") != wanted)
            validations["pattern"] = wanted
            return changed
    raise RealmError("the user profile has no user name")


def main() -> None:
    """Bar the names."""
    given = json.load(sys.stdin)
    realm = Realm(given["url"], given["realm"], given["admin"])
    try:
        profile = realm.profile()
        changed = bar(profile, given["names"])
        if changed:
            realm.set_profile(profile)
    except RealmError as error:
        sys.exit(str(error))
    sys.stdout.write(json.dumps({"changed": changed}))


if __name__ == "__main__":
    main()
