"""What a stack on a cloud still lacks before anything is bought, and what it will cost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from klokken import workspace
from klokken.capacity.money import dkk
from klokken.capacity.pricelist import price_lists
from klokken.clouds import credentials
from klokken.clouds.account import Account
from klokken.clouds.hetzner import TARGETS, Hetzner, require_token
from klokken.clouds.openstack import OpenStack
from klokken.clouds.proxmox import Proxmox
from klokken.clouds.proxmox import require_token as require_proxmox_token
from klokken.clouds.settings import Cloud, Front, Priced, price_list
from klokken.doctor.findings import Cost, Finding, judged
from klokken.doctor.shares import cost_of
from klokken.errors import InputError, MachineError
from klokken.stackconfig import config_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from klokken.topology import Topology

# The plugins that fit the packages in pyproject.toml.
PLUGINS = {
    "hetzner": ("hcloud", "1.43.3"),
    "openstack": ("openstack", "5.5.3"),
    "proxmox": ("proxmoxve", "8.6.0"),
}

# Hetzner's servers and keys, as Pulumi's state calls them.
SERVER = "hcloud:index/server:Server"
SSH_KEY = "hcloud:index/sshKey:SshKey"


def require_account(stack: str, config: Cloud, site: Topology) -> None:
    """Raise MachineError with everything that keeps the stack from its account and its hosts."""
    found = [*judged("SSH key", _of_key(stack, config), ""), *_of_account(stack, config, site)]
    if lacks := [each.text for each in found if not each.ready]:
        raise MachineError(f"up of {stack}: {'; '.join(lacks)}")


def front(stack: str, config: Cloud) -> set[str]:
    """Return the public addresses that the stack has its names lead to, as far as it is up."""
    if not isinstance(config, Priced):
        # What a kommune's own network shows to the world, its firewall says.
        return set()
    try:
        words = ("stack", "output", "front", "--json", "--stack", stack)
        return set(json.loads(workspace.pulumi(*words)))
    except (MachineError, ValueError):
        return set()


def look(
    stack: str, config: Hetzner | OpenStack | Proxmox, site: Topology, today: date
) -> tuple[list[Finding], Cost | None]:
    """Look at the key, the credentials, the account and the plugin, and reckon the month."""
    findings = [
        *judged("SSH key", _of_key(stack, config), str(config.ssh_key)),
        *_of_account(stack, config, site),
        *judged("plugin", _of_plugin(config), "installed"),
    ]
    if isinstance(config, Priced):
        findings.append(_quota(config, site))
    try:
        if isinstance(config, Priced):
            return findings, _cost(config, site, today)
        cores = sum(config.size_of(plan.tier).cores for plan in site.hosts())
        return findings, cost_of(cores, today)
    except InputError as error:
        return [*findings, *judged("prices", [str(error)], "")], None


def _of_key(stack: str, config: Cloud) -> Iterator[str]:
    try:
        config.require_key(config_path(stack))
    except InputError as error:
        yield str(error)


def _of_account(stack: str, config: Cloud, site: Topology) -> list[Finding]:
    """Return what there is to say of the credentials, and of what they open."""
    try:
        if isinstance(config, Hetzner):
            found = credentials.configured(stack, "hcloud:token", "HCLOUD_TOKEN")
            account = Account(require_token(found))
            kinds = {f"{stack}-{each.name}": config.type_of(each.tier) for each in site.hosts()}
            known = _known(stack)
            new = {name: kind for name, kind in kinds.items() if (SERVER, name) not in known}
            there = (SSH_KEY, stack) in known or any(_of_key(stack, config))
            key = None if there else config.public_key(config_path(stack))
            well = "open a project where the types are sold and the names free; no quota is told"
            return judged("account", account.problems(new, config.location, key), well)
        if isinstance(config, OpenStack):
            credentials.require_entry(config)
        else:
            token = credentials.configured(stack, "proxmoxve:apiToken", "PROXMOX_VE_API_TOKEN")
            require_proxmox_token(token)
    except InputError as error:
        return judged("account", [str(error)], "")
    text = "credentials are there; what they open was not looked at: `klokken preview` asks"
    return [Finding(topic="account", ready=True, text=text)]


def _known(stack: str) -> set[tuple[str, str]]:
    """Return the type and the name of everything that the stack has made, by its state."""
    try:
        state = json.loads(workspace.pulumi("stack", "export", "--stack", stack))
    except MachineError:
        return set()
    resources = (state.get("deployment") or {}).get("resources") or []
    return {(each["type"], str((each.get("inputs") or {}).get("name"))) for each in resources}


def _of_plugin(config: Any) -> Iterator[str]:
    name, version = PLUGINS[config.kind]
    try:
        listed = json.loads(workspace.pulumi("plugin", "ls", "--json"))
    except MachineError as error:
        yield str(error)
        return
    if not any(each["name"] == name and each.get("version") == version for each in listed):
        yield f"missing; run `pulumi plugin install resource {name} {version}`"


def _quota(config: Priced, site: Topology) -> Finding:
    """Say how much is going to be ordered: what an account may, only its owner is told."""
    prices = price_list(_provider(config))
    sold = {name.lower(): kind for name, kind in prices.hosts.items()} if prices else {}
    hosts = site.hosts()
    cores = sum(sold[config.type_of(plan.tier).lower()].vcpu for plan in hosts)
    volumes = sum(plan.volume_gb for plan in hosts) + _boot_gb(config) * len(hosts)
    text = (
        f"see in the console that the project may have {len(hosts)} hosts, {cores} cores and"
        f" {volumes} GB of volumes"
    )
    return Finding(topic="quota", ready=True, text=text)


def _provider(config: Priced) -> str:
    return config.cloud if isinstance(config, OpenStack) else "hetzner"


def _cost(config: Priced, site: Topology, today: date) -> Cost:
    """Return the month of all that is ordered; raise InputError for an expired list."""
    provider = _provider(config)
    (prices,) = price_lists(today, [provider])
    names = {kind.lower(): kind for kind in prices.hosts}
    plans = site.hosts()
    hosts = sum(prices.month(names[config.type_of(plan.tier).lower()]) for plan in plans)
    gb = sum(plan.volume_gb for plan in plans) + _boot_gb(config) * len(plans)
    balanced = getattr(config, "front", Front.ADDRESS) is Front.BALANCER
    balancer = prices.balancer_eur_month.value if balanced else 0.0
    addresses, each = _addresses(config, len(plans)), prices.address_eur_month
    eur = hosts + gb * prices.block_gb_eur_month.value + balancer + addresses * each.value
    ground = (
        f"{len(plans)} hosts, {gb} GB of volumes and {addresses} public IPv4 addresses"
        f"{' at an assumed price' if each.assumed else ''}, by {provider}.yaml of {prices.dated}"
        f"{_beyond(config)}"
    )
    return Cost(eur=eur, dkk=dkk(eur), ground=ground)


def _beyond(config: Priced) -> str:
    """Say what of the month no price list knows: it has the smallest load balancer alone."""
    smallest = next(iter(TARGETS))
    if not isinstance(config, Hetzner) or config.front is not Front.BALANCER:
        return ""
    kind = config.balancer_type
    return f"; what an {kind} costs beyond an {smallest} comes on top" if kind != smallest else ""


def _addresses(config: Priced, hosts: int) -> int:
    """Return how many public IPv4 addresses are paid for by themselves."""
    if isinstance(config, OpenStack):
        # One on the public network itself comes with its host; a balancer is given one.
        return hosts * config.profile.floating.value + (config.front is Front.BALANCER)
    return hosts


def _boot_gb(config: Priced) -> int:
    """Return the size of the volume that each host boots from, where it has no disk of its own."""
    if isinstance(config, OpenStack) and not config.profile.own_disk.value:
        return config.disk_gb
    return 0
