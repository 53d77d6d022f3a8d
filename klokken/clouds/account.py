"""Hetzner's API, asked before anything is bought: what keeps a stack from its account."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HOST = "api.hetzner.cloud"
API = f"https://{HOST}/v1"
# Where the plugin, too, is told of another one.
ENDPOINT = "HCLOUD_ENDPOINT"
PATIENCE = 15
# As many as the API gives on a page.
PAGE = 50
DENIED = (401, 403)


def is_hetzners(url: str, host: str = HOST) -> bool:
    """Say whether an address is Hetzner's own, by https, or one of this machine, as a double's."""
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname == host:
        return True
    try:
        return ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


def _endpoint() -> str:
    return os.environ.get(ENDPOINT) or API


@dataclass(frozen=True, slots=True)
class Account:
    """What a token opens. Nothing is changed by asking."""

    token: str

    def problems(
        self, new: Mapping[str, str], location: str, key: str | None = None
    ) -> Iterator[str]:
        """Yield what keeps a stack from this account, each with its mend.

        `new` are the servers that the stack is going to make, with the type of each; `key` is the
        public SSH key, if that is new. The API tells nobody a quota: that one is met when it is
        reached.
        """
        if not is_hetzners(_endpoint()):
            yield f"{_endpoint()} is not Hetzner's API, and is told no token; remove {ENDPOINT}"
            return
        try:
            for kind in sorted({kind.lower() for kind in new.values()}):
                yield from self._kind(kind, location)
            for name in sorted(new.keys() & {each["name"] for each in self._all("servers")}):
                mend = "delete it in Hetzner's console, or import it, as docs/clouds.md says"
                yield f"{name}: there is such a server, which this stack does not know; {mend}"
            yield from self._key(key) if key else ()
        except HTTPError as error:
            refused = "refuses the token; make another in the project's console"
            yield f"Hetzner {refused if error.code in DENIED else f'answers {error.code}; wait'}"
        except (URLError, OSError, ValueError, KeyError) as error:
            yield f"Hetzner's API cannot be reached ({error}); see whether this machine may"

    def _kind(self, kind: str, location: str) -> Iterator[str]:
        found = self._get(f"server_types?name={kind}")["server_types"]
        if not found:
            yield f"{kind}: Hetzner has no such type; choose another"
            return
        places = {place["name"]: place for place in found[0].get("locations") or []}
        if found[0].get("deprecated"):
            yield f"{kind}: Hetzner no longer sells it; choose another"
        elif places and not places.get(location, {}).get("available"):
            yield f"{kind}: Hetzner has none in {location} now; choose another, or wait"

    def _key(self, key: str) -> Iterator[str]:
        """Yield whose the key is: a project takes none twice, under whatever name."""
        for each in self._all("ssh_keys"):
            if each["public_key"].split()[:2] == key.split()[:2]:
                mend = "give another as `ssh_key`, or delete that one in Hetzner's console"
                yield f"the project has the SSH key already, as {each['name']!r}; {mend}"

    def _all(self, kind: str) -> Iterator[dict[str, Any]]:
        page: int | None = 1
        while page:
            answer = self._get(f"{kind}?per_page={PAGE}&page={page}")
            yield from answer[kind]
            page = answer["meta"]["pagination"]["next_page"]

    def _get(self, path: str) -> Any:
        url = f"{_endpoint()}/{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        request = Request(url, headers=headers)  # noqa: S310 - https, or a test's own
        with urlopen(request, timeout=PATIENCE) as reply:  # noqa: S310 - likewise
            return json.load(reply)
