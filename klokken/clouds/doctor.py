"""What a stack on a cloud still lacks, and what it will cost, before anything is ordered."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from klokken import workspace
from klokken.capacity.money import dkk
from klokken.capacity.pricelist import price_lists
from klokken.clouds import hetzner, proxmox
from klokken.clouds.hetzner import Hetzner
from klokken.clouds.openstack import OpenStack
from klokken.clouds.settings import Front, Priced
from klokken.doctor.findings import Cost, Finding, judged
from klokken.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from klokken.capacity.pricelist import PriceList
    from klokken.clouds.proxmox import Proxmox
    from klokken.topology import Topology

# Where OpenStack's own clients look for clouds.yaml, in their order.
CLOUDS = (Path("clouds.yaml"), Path("~/.config/openstack/clouds.yaml"))


def look(
    stack: str, cloud: Hetzner | OpenStack | Proxmox, site: Topology, today: date
) -> tuple[list[Finding], Cost | None]:
    """Look at credentials and key, name what to ask the provider for, and reckon the cost."""
    key = _refusals(lambda: cloud.public_key(f"Pulumi.{stack}.yaml"))
    findings = [
        *judged("credentials", _credentials(stack, cloud), "there; tried by the first preview"),
        *judged("SSH key", key, str(cloud.ssh_key)),
    ]
    if not isinstance(cloud, Priced):
        return findings, None
    provider = "hetzner" if isinstance(cloud, Hetzner) else cloud.cloud
    try:
        (prices,) = price_lists(today, [provider])
    except InputError as error:
        return [*findings, Finding(topic="prices", ready=False, text=str(error))], None
    return [*findings, _quota(cloud, site, prices)], _cost(cloud, site, prices)


def _credentials(stack: str, cloud: Hetzner | OpenStack | Proxmox) -> list[str]:
    if isinstance(cloud, OpenStack):
        return _refusals(lambda: _require_entry(cloud))
    if isinstance(cloud, Hetzner):
        token = _secret(stack, "hcloud:token") or os.environ.get("HCLOUD_TOKEN")
        return _refusals(lambda: hetzner.require_token(token))
    token = _secret(stack, "proxmoxve:apiToken") or os.environ.get("PROXMOX_VE_API_TOKEN")
    return _refusals(lambda: proxmox.require_token(token))


def _secret(stack: str, key: str) -> str:
    """Return a secret of the stack's config, empty where it is not there yet."""
    try:
        return workspace.pulumi("config", "get", key, "--stack", stack).strip()
    except MachineError:
        return ""


def _require_entry(cloud: OpenStack) -> None:
    """Raise InputError unless clouds.yaml has the cloud's entry, by application credential."""
    chosen = os.environ.get("OS_CLIENT_CONFIG_FILE")
    places = [Path(chosen)] if chosen else [path.expanduser() for path in CLOUDS]
    entry = cloud.entry or cloud.cloud
    mend = "download one in the cloud's console, under application credentials"
    for path in places:
        if path.is_file():
            content: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            found = content.get("clouds", {}).get(entry)
            if found is None:
                raise InputError(path, f"clouds.{entry}", "missing", mend)
            if "application_credential_id" not in found.get("auth", {}):
                problem = "is not by application credential"
                raise InputError(path, f"clouds.{entry}.auth", problem, mend)
            return
    raise InputError("clouds.yaml", "", f"not at {', '.join(map(str, places))}", mend)


def _quota(cloud: Priced, site: Topology, prices: PriceList) -> Finding:
    """Say how much is going to be ordered: what an account may, only its owner is told."""
    kinds = [prices.hosts[_entry(prices, cloud.type_of(plan.tier))] for plan in site.hosts()]
    volumes = sum(plan.volume_gb for plan in site.hosts())
    text = (
        f"see in the console that the project may have {len(kinds)} hosts,"
        f" {sum(kind.vcpu for kind in kinds)} cores and {volumes} GB of volumes"
    )
    return Finding(topic="quota", ready=True, text=text)


def _cost(cloud: Priced, site: Topology, prices: PriceList) -> Cost:
    hosts = [prices.month(_entry(prices, cloud.type_of(plan.tier))) for plan in site.hosts()]
    volumes = sum(plan.volume_gb for plan in site.hosts()) * prices.block_gb_eur_month.value
    balanced = getattr(cloud, "front", Front.ADDRESS) is Front.BALANCER
    eur = sum(hosts) + volumes + balanced * prices.balancer_eur_month.value
    ground = f"{len(hosts)} hosts by {prices.title}'s prices of {prices.dated}, traffic apart"
    return Cost(eur=eur, dkk=dkk(eur), ground=ground)


def _entry(prices: PriceList, kind: str) -> str:
    """Return a kind as the price list writes it; that it is there was checked before."""
    return next(name for name in prices.hosts if name.lower() == kind.lower())


def _refusals(require: Callable[[], object]) -> list[str]:
    try:
        require()
    except InputError as error:
        return [str(error)]
    return []
