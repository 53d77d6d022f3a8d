"""Hetzner's API, asked before anything is bought: does the token open it, is the type sold here."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klokken.clouds.hetzner import Hetzner

API = "https://api.hetzner.cloud/v1"
PATIENCE = 15


def problems(config: Hetzner, token: str) -> Iterator[str]:
    """Yield what a project's account keeps a stack from, each with its mend.

    The API tells nobody a quota: that one is met when it is reached.
    """
    endpoint = os.environ.get("HCLOUD_ENDPOINT") or API
    for kind in sorted({config.type, *config.types.values()}):
        try:
            found = _get(f"{endpoint}/server_types?name={kind.lower()}", token)["server_types"]
        except HTTPError as error:
            refused = "refuses the token; make another in the project's console"
            yield f"Hetzner {refused if error.code in (401, 403) else f'answers {error.code}'}"
            return
        except (URLError, OSError, ValueError, KeyError) as error:
            yield f"Hetzner's API cannot be reached ({error}); see whether this machine may"
            return
        if not found:
            yield f"{kind}: Hetzner has no such type; choose another"
        elif found[0].get("deprecated"):
            yield f"{kind}: Hetzner no longer sells it; choose another"


def _get(url: str, token: str) -> Any:
    request = Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - https or a test's own
    with urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310 - likewise
        return json.load(reply)
