"""The login of a stack that is up, as a site of the benchmark."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.generator.case import Login
from klokken import deployment
from klokken.errors import StormRefusedError
from klokken.loadgen import CA_FILE, PASSWORD_FILE
from klokken.remote import Remote
from klokken.storm.plan import CLIENT, REALM, cell_urls, login_url
from klokken.topology import Tier
from loadtests.target import allowed_target
from loadtests.world import CALLBACK

if TYPE_CHECKING:
    from pathlib import Path

# Seconds in which every generator has begun.
_BEGINNING = 10.0


@dataclass(frozen=True, slots=True)
class LabSite:
    """A real login. It has no log here: what was asked counts as done, unless some failed."""

    login: Login
    rate: float

    @classmethod
    def of(cls, stack: str, rate: float, folder: Path) -> LabSite:
        """Return the site of `stack`; raise KlokkenError where it may not be stormed.

        Its authority is kept in `folder`; its names must resolve to its edge on this machine.
        """
        inventory = deployment.read_inventory(stack)
        site = inventory.site
        if not site.site_storms:
            raise StormRefusedError(f"stack {stack}", "storms", "is false")
        origin = login_url(site.site_domain)
        edges = inventory.hosts(Tier.EDGE).values()
        allowed_target(origin, {str(edge.site_address) for edge in edges})
        host = Remote.of(inventory, Tier.LOADGEN)[0]
        (folder / "ca.pem").write_text(host.run(["cat", CA_FILE], root=True))
        login = Login(
            origin=origin,
            realm=REALM,
            client_id=CLIENT,
            redirect_uri=cell_urls(inventory)[0] + CALLBACK,
            ca_file=folder / "ca.pem",
            password=host.run(["cat", PASSWORD_FILE], root=True).strip(),
            pupils=site.site_accounts,
        )
        return cls(login, rate)

    def begun(self, since: float) -> bool:
        """Whether every generator has had the time to begin since then."""
        return time.time() > since + _BEGINNING

    def between(self, begin: float, end: float) -> int:
        """Return how many logins were asked for."""
        return round(self.rate * (end - begin))

    def tls(self, since: float) -> str:  # noqa: ARG002 - what a site with a log can tell
        """Return nothing: the edge's log has it."""
        return ""

    def split(self, since: float) -> int:  # noqa: ARG002 - likewise
        """Return nothing: likewise."""
        return 0
