"""Where things are: within the EU, or nowhere."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from klokken.clouds.account import ENDPOINT, HOST, is_hetzners
from klokken.clouds.hetzner import LOCATIONS, ZONE
from klokken.clouds.openstack import profiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from policy.seen import Seen

# What each thing of Hetzner calls the place where it is.
PLACES = ("location", "datacenter", "homeLocation")
# Where it is not told the place, Hetzner chooses one.
HETZNER_SERVER = "hcloud:index/server:Server"
# By the provider's field, the one host that is right.
HETZNER_APIS = {"endpoint": HOST, "endpointHetzner": "api.hetzner.com"}


def within_the_eu(seen: Seen) -> Iterator[str]:
    """Nothing of a site is outside the EU, and no endpoint of its cloud is."""
    props = seen.props
    if seen.type.startswith("hcloud:"):
        yield from _hetzner(seen)
    elif seen.type.startswith("openstack:"):
        # One identity service may serve regions all over the world.
        region, known = props.get("region"), {n for p in profiles().values() for n in p.regions}
        if region and region not in known:
            yield f"the region {region!r} is not within the EU; remove `region`"
    elif seen.type == "pulumi:providers:hcloud":
        yield from _hetzner_apis(props)
    elif seen.type == "pulumi:providers:openstack":
        yield from _openstack(str(props.get("authUrl") or ""), str(props.get("region") or ""))
        if props.get("endpointOverrides"):
            yield "is told of endpoints that nobody here knows; remove `endpointOverrides`"
    elif seen.type == "pulumi:providers:proxmoxve" and not _is_https(props.get("endpoint")):
        yield f"{props.get('endpoint')} is not https; correct `endpoint`"


def _hetzner(seen: Seen) -> Iterator[str]:
    named = next((seen.props[field] for field in PLACES if seen.props.get(field)), "")
    place = str(named).partition("-")[0]
    if place and place not in LOCATIONS:
        yield f"{place!r} is not within the EU; choose {', '.join(LOCATIONS)}"
    if not place and seen.type == HETZNER_SERVER:
        yield f"may be anywhere; give a `location`: {', '.join(LOCATIONS)}"
    if (zone := seen.props.get("networkZone")) and zone != ZONE:
        yield f"the network zone {zone!r} is not within the EU; use {ZONE}"


def _hetzner_apis(props: Mapping[str, Any]) -> Iterator[str]:
    # What the plugin finds in the environment, Pulumi does not know of.
    given = {"endpoint": os.environ.get(ENDPOINT), **props}
    for field, api in HETZNER_APIS.items():
        endpoint = given.get(field)
        if endpoint and not is_hetzners(str(endpoint), api):
            where = f"`hcloud:{field}`" if props.get(field) else ENDPOINT
            yield f"{endpoint} is not Hetzner's API; remove {where}"


def _openstack(url: str, region: str) -> Iterator[str]:
    known = {(name, str(r.auth_url)) for p in profiles().values() for name, r in p.regions.items()}
    if (region, url) not in known:
        yield (
            f"{url or 'an endpoint of clouds.yaml'} with the region {region!r} is not a cloud"
            " within the EU that klokken/clouds/openstack.yaml knows; correct one of them"
        )


def _is_https(url: object) -> bool:
    return urlsplit(str(url)).scheme == "https"
