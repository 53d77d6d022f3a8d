"""What a sized stack stands on: the cloud whose prices it was sized by, or else the lab."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from klokken.clouds.openstack import OpenStack, profiles
from klokken.paths import PROJECT
from klokken.stackconfig import NAMESPACE
from klokken.topology import Tier

if TYPE_CHECKING:
    from klokken.capacity.sizing.search import Plan

EXAMPLES = PROJECT / "stacks" / "examples"
FIELD = f"{NAMESPACE}substrate"
# What Debian and its programs take of the disk that a host boots from, at most.
_SYSTEM_GB = 10


def example(plan: Plan) -> dict[str, Any]:
    """Return the example's config of the substrate that has a plan's hosts, with their kinds.

    It is the lab's, which knows no kinds, where no substrate orders a provider's hosts, or nobody
    has said what a cloud calls them.
    """
    if plan.provider == "hetzner":
        config = _read("hetzner")
        config[FIELD] |= _kinds(plan)
        return config
    if plan.provider in profiles():
        config = _read("openstack")
        config[FIELD] = found = _openstack(plan, config[FIELD])
        named = profiles()[plan.provider].names_kinds.value
        if named or found["flavours"].keys() >= {found["type"], *found["types"].values()}:
            return config
    return _read("lab")


def kind_of(config: dict[str, Any]) -> str:
    """Return the kind of substrate that a config is of."""
    found = config[FIELD]
    return str(found["kind"] if isinstance(found, dict) else found)


def _read(kind: str) -> dict[str, Any]:
    text = (EXAMPLES / f"{kind}.yaml").read_text(encoding="utf-8")
    config: dict[str, Any] = yaml.safe_load(text)["config"]
    return config


def _kinds(plan: Plan) -> dict[str, Any]:
    """Return the kind of each tier that was sized, and that of the hosts which nobody waits for."""
    kinds = {tier.value: fit.kind for tier, fit in plan.fits.items()}
    return {"type": plan.single[0], "types": kinds}


def _openstack(plan: Plan, written: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of the plan's cloud, of which the example's may be another."""
    cloud: dict[str, Any] = {"cloud": plan.provider}
    if plan.provider != written["cloud"]:
        cloud |= {"region": next(iter(profiles()[plan.provider].regions)), "flavours": {}}
    # Its kinds have no disk of their own: what is no drive's lies where the host boots from.
    data = max(fit.volume_gb for tier, fit in plan.fits.items() if tier is not Tier.DRIVE)
    usual = OpenStack.model_fields["disk_gb"].default
    return {**written, **cloud, **_kinds(plan), "disk_gb": max(usual, _SYSTEM_GB + data)}
