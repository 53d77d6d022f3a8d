"""Where things are: within the EU, or nowhere."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from klokken.clouds.hetzner import LOCATIONS, ZONE
from klokken.clouds.openstack import profiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from policy.seen import Seen

HETZNER_API = "api.hetzner.cloud"


def within_the_eu(seen: Seen) -> Iterator[str]:
    """Nothing of a site is outside the EU, and no endpoint of its cloud is."""
    props = seen.props
    if seen.type.startswith("hcloud:"):
        place = str(props.get("location") or props.get("datacenter") or "").partition("-")[0]
        if place and place not in LOCATIONS:
            yield f"{place!r} is not within the EU; choose {', '.join(LOCATIONS)}"
        if (zone := props.get("networkZone")) and zone != ZONE:
            yield f"the network zone {zone!r} is not within the EU; use {ZONE}"
    elif seen.type == "pulumi:providers:hcloud":
        endpoint = props.get("endpoint")
        if endpoint and not (_is_https(endpoint, HETZNER_API) or _is_own_machine(endpoint)):
            yield f"{endpoint} is not Hetzner's API; remove `hcloud:endpoint`"
    elif seen.type == "pulumi:providers:openstack":
        yield from _openstack(str(props.get("authUrl") or ""), str(props.get("region") or ""))
    elif seen.type == "pulumi:providers:proxmoxve" and not _is_https(props.get("endpoint")):
        yield f"{props.get('endpoint')} is not https; correct `endpoint`"


def _openstack(url: str, region: str) -> Iterator[str]:
    known = {(name, str(r.auth_url)) for p in profiles().values() for name, r in p.regions.items()}
    if (region, url) not in known:
        yield (
            f"{url or 'an endpoint of clouds.yaml'} with the region {region!r} is not a cloud"
            " within the EU that klokken/clouds/openstack.yaml knows; correct one of them"
        )


def _is_https(url: object, host: str | None = None) -> bool:
    parts = urlsplit(str(url))
    return parts.scheme == "https" and host in (None, parts.hostname)


def _is_own_machine(url: str) -> bool:
    try:
        return ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False
