"""A site's runbook: one page, in Danish, for the two people who look after it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from klokken.clouds.settings import Cloud, Priced
from klokken.doctor.names import names_of
from klokken.substrates import Servers
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.sites.draft import Draft

TEMPLATES = Path(__file__).parent / "templates"
DUTIES = {
    Tier.DATABASE: "PostgreSQL: elevernes konti og hvem der er logget ind",
    Tier.IDENTITY: "Keycloak: login",
    Tier.DRIVE: "elevernes filer; hver vært har sine egne skoler",
    Tier.EDGE: "HAProxy: her kommer alle ind, og her er certifikatet",
    Tier.METRICS: "Prometheus: målinger af alle værter",
    Tier.LOADGEN: "Locust: prøver platformen af; er ellers i ro",
}


def text(stack: str, draft: Draft) -> str:
    """Return the page."""
    site = draft.config.site
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - Markdown for its own author
    )
    hosts = [(plan.name, DUTIES[plan.tier]) for plan in site.hosts()]
    return environment.get_template("drift.md.j2").render(
        stack=stack,
        kommune=draft.kommune,
        pupils=f"{draft.kommune.pupils.value:,}".replace(",", "."),
        names=names_of(site),
        hosts=hosts,
        cells=[name for name, _ in hosts if name.startswith(Tier.DRIVE)],
        own_servers=isinstance(draft.config.substrate, Servers),
        on_cloud=isinstance(draft.config.substrate, Cloud),
        # There, addresses are given; elsewhere the site has chosen them.
        in_public_cloud=isinstance(draft.config.substrate, Priced),
    )
