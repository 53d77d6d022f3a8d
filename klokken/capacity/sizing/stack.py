"""The config of a stack that is as large as a sizing says."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

import yaml

from klokken import files
from klokken.capacity import run
from klokken.capacity.platform import Platform
from klokken.capacity.sizing.proof import platform_of
from klokken.errors import InputError
from klokken.paths import PROJECT
from klokken.stackconfig import NAMESPACE, StackConfig, config_path
from klokken.topology import BLOCK, Tier

if TYPE_CHECKING:
    from klokken.capacity.sizing.answer import Sizing
    from klokken.capacity.sizing.run import Sized
    from klokken.capacity.sizing.search import Plan

EXAMPLE = PROJECT / "stacks" / "examples" / "lab.yaml"
# Connections to the database beside those of identity's pools: administrators and exporters.
_FURTHER_CONNECTIONS = 20
_LAB_PREFIX = 24


def check(stack: str) -> None:
    """Raise InputError where the stack has a config already, or its name is none."""
    path = config_path(stack)
    if path.exists():
        raise InputError(path, "", "is there already", "choose another name for the stack")


def write(stack: str, sized: Sized) -> list[str]:
    """Write the config of one site; return what to say of it.

    It is the example's with other tiers: the substrate is the lab, which knows no kinds of hosts.
    Raise InputError where a stack's config does not take so many hosts.
    """
    found, plan = sized.answer, sized.plan
    check(stack)
    path = config_path(stack)
    config = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["config"]
    site = config[f"{NAMESPACE}site"]
    tiers = _tiers(plan, site["tiers"], 1 - found.headroom)
    most = max(int(tier.get("count", 1)) for tier in tiers.values())
    bits = max(0, ceil(most / BLOCK) - 1).bit_length()
    network = f"{site['network'].split('/')[0]}/{_LAB_PREFIX - bits}"
    config[f"{NAMESPACE}storms"] = False
    config[f"{NAMESPACE}site"] = {
        **site,
        "network": network,
        "accounts": found.pupils_a_site,
        "tiers": tiers,
    }
    StackConfig.parse(config, path)
    files.write(path, _header(found) + yaml.safe_dump({"config": config}, sort_keys=False))
    return [
        f"wrote {path.name}, one site of {found.pupils_a_site:,} pupils on the substrate lab",
        f"go on with `klokken init {stack}`",
        "it has one database, since the role sets up no standby; the second is in the price",
    ]


def _tiers(plan: Plan, example: dict[str, Any], free: float) -> dict[str, Any]:
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
    for name, written in example.items():
        tier = Tier(name)
        made[name] = dict(written)
        if tier in counts:
            made[name]["count"] = counts[tier]
        if tier in fits and fits[tier].volume_gb:
            made[name]["volume_gb"] = fits[tier].volume_gb
        if tier in limits:
            made[name]["variables"] = {**written.get("variables", {}), **limits[tier]}
    return made


def _header(found: Sizing) -> str:
    kinds = ", ".join(f"{tier.tier} {tier.kind}" for tier in found.tiers)
    return (
        f"# One of {found.sites} for the profile {found.profile}, as `klokken size` found it on\n"
        f"# {found.made:%d %B %Y} at {found.title}: {kinds}.\n"
    )
