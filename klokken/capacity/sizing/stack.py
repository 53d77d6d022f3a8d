"""The config of a stack that is as large as a sizing says."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import yaml

from klokken import files
from klokken.capacity import run
from klokken.capacity.platform import Platform
from klokken.capacity.sizing.proof import platform_of
from klokken.capacity.sizing.substrate import example, kind_of
from klokken.errors import InputError
from klokken.stackconfig import NAMESPACE, StackConfig, config_path
from klokken.topology import BLOCK, Tier

if TYPE_CHECKING:
    from klokken.capacity.sizing.answer import Sizing
    from klokken.capacity.sizing.run import Sized
    from klokken.capacity.sizing.search import Plan

# Connections to the database beside those of identity's pools: administrators and exporters.
_FURTHER_CONNECTIONS = 20
_PREFIX = 24


def check(stack: str) -> None:
    """Raise InputError where the stack has a config already, or its name is none."""
    path = config_path(stack)
    if path.exists():
        raise InputError(path, "", "is there already", "choose another name for the stack")


def write(stack: str, sized: Sized) -> list[str]:
    """Write the config of one site; return what to say of it.

    It is the example's of its substrate, with other tiers. Raise InputError where the substrate
    does not take such a site.
    """
    found, plan = sized.answer, sized.plan
    check(stack)
    path = config_path(stack)
    config = example(plan)
    kind, site = kind_of(config), config[f"{NAMESPACE}site"]
    # On OpenStack other data lies on the disk that a host boots from, which is made to hold it.
    with_volume = {Tier.DRIVE} if kind == "openstack" else set(Tier)
    tiers = _tiers(plan, site["tiers"], 1 - found.headroom, with_volume)
    most = max(int(tier.get("count", 1)) for tier in tiers.values())
    bits = max(0, ceil(most / BLOCK) - 1).bit_length()
    network = f"{site['network'].split('/')[0]}/{_PREFIX - bits}"
    config[f"{NAMESPACE}storms"] = False
    config[f"{NAMESPACE}site"] = {
        **site,
        "network": network,
        "accounts": found.pupils_a_site,
        "tiers": tiers,
    }
    made = StackConfig.parse(config, path)
    made.substrate.check(stack, made.site, path)
    remark = _remark(kind, found)
    text = yaml.safe_dump({"config": config}, sort_keys=False)
    files.write(path, f"{_header(found)}# {remark}.\n{text}")
    return [
        f"wrote {path.name}, one site of {found.pupils_a_site:,} pupils on the substrate {kind}",
        remark,
        f"go on with `klokken init {stack}`",
        "it has one database, since the role sets up no standby; the second is in the price",
    ]


def _remark(kind: str, found: Sizing) -> str:
    """Return what a person must put in, or why the substrate is not the one of the prices."""
    if kind == "lab":
        return f"a lab knows no kinds of hosts, and no stack orders those of {found.title} yet"
    place = "region" if kind == "openstack" else "location"
    return f"put yours in place of its owner, purpose, ssh_key, management, {place} and domain"


def _tiers(
    plan: Plan, written: dict[str, Any], free: float, with_volume: set[Tier]
) -> dict[str, Any]:
    """Return the tiers with their counts, volumes and the limits that go with larger hosts."""
    fits, asked = plan.fits, plan.asked.tiers
    held = asked[Tier.EDGE].connections
    site = platform_of(plan, Platform.read(run.PLATFORM_FILE), None)
    pool = asked[Tier.IDENTITY].resources.pool
    pooled = round(pool.value) * fits[Tier.IDENTITY].hosts if pool else 0
    limits: dict[Tier, dict[str, int]] = {
        Tier.EDGE: {
            "edge_connections": 1000 * ceil(held / fits[Tier.EDGE].up / free / 1000),
            "edge_identity_maxconn": site.tiers[Tier.IDENTITY].workers,
        },
        Tier.DATABASE: {"database_max_connections": pooled + _FURTHER_CONNECTIONS},
    }
    counts = {
        Tier.DATABASE: 1,
        Tier.IDENTITY: fits[Tier.IDENTITY].hosts,
        Tier.EDGE: fits[Tier.EDGE].hosts,
    }
    if Tier.DRIVE in fits:
        # The host that stands by for a cell is no cell.
        counts[Tier.DRIVE] = fits[Tier.DRIVE].up
        limits[Tier.EDGE]["edge_drive_maxconn"] = site.tiers[Tier.DRIVE].workers
    made: dict[str, Any] = {}
    for name, size in written.items():
        tier = Tier(name)
        made[name] = dict(size)
        if tier in counts:
            made[name]["count"] = counts[tier]
        if tier in fits and tier in with_volume and fits[tier].volume_gb:
            made[name]["volume_gb"] = fits[tier].volume_gb
        if tier in limits:
            made[name]["variables"] = {**size.get("variables", {}), **limits[tier]}
    return made


def _header(found: Sizing) -> str:
    kinds = ", ".join(f"{tier.tier} {tier.kind}" for tier in found.tiers)
    return (
        f"# One of {found.sites} for the profile {found.profile}, as `klokken size` found it on\n"
        f"# {found.made:%d %B %Y} at {found.title}: {kinds}.\n"
    )
