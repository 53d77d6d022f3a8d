"""A site: the hosts of a substrate, configured tier by tier, and the inventory of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pulumi

from klokken import acme
from klokken.inventory import Inventory
from klokken.topology import Tier
from stacks.ansible.resource import AnsibleRun, RunArgs
from stacks.ansible.sources import digest
from stacks.inventory_file import InventoryFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.stackconfig import StackConfig
    from stacks.hosts import Hosts

# No tier needs another: identity is the only one that asks for one at all, and its role waits for
# the database when everything that needs none is done. The way through these two is the longest,
# so the rest lets the database go first: their hosts may share a machine's cores.
FIRST = (Tier.DATABASE, Tier.IDENTITY)
# Each tier is told no more secrets than it needs.
SECRETS = {
    Tier.DATABASE: ("database", "ca_key"),
    Tier.IDENTITY: ("database", "admin", "warmup", "pupils_hash", "pupils_salt"),
    Tier.DRIVE: ("directory",),
    Tier.EDGE: ("ca_key", "acme_key", "acme_thumbprint"),
    Tier.METRICS: (),
    Tier.LOADGEN: ("pupils",),
}
SHARED_SECRETS = ("ca_certificate",)
# What only the kommune itself has.
MENDS = {"dns_key": "run `pulumi config set --secret klokken:dns_key`"}


class Site(pulumi.ComponentResource):
    """Hosts that exist, configured."""

    def __init__(
        self,
        stack: str,
        config: StackConfig,
        hosts: Hosts,
        secrets: pulumi.Output[Mapping[str, str]],
    ) -> None:
        """Declare the inventory and one Ansible run a tier."""
        super().__init__("klokken:site:Site", stack)
        # A substrate may know a host's address only when the host is there.
        own: pulumi.Output[Any] = pulumi.Output.from_input(hosts.own)
        write = partial(_written, stack, config, hosts.shared)
        InventoryFile(stack, own.apply(write), pulumi.ResourceOptions(parent=self))
        runs: dict[Tier, AnsibleRun] = {}
        for tier in Tier:
            needed = [] if tier in FIRST else [runs[Tier.DATABASE]]
            names = [plan.name for plan in config.site.hosts() if plan.tier == tier]
            addresses = [hosts.own[name]["site_address"] for name in names]
            args = RunArgs(
                stack=stack,
                tier=tier.value,
                inventory=own.apply(partial(write, only=tier)),
                instances={name: hosts.instances[name] for name in names},
                sources=digest(tier),
                secrets=secrets.apply(partial(_for_tier, _names(tier, config))),
                revision=config.revision,
                gate={**hosts.gate, "addresses": addresses} if hosts.gate else None,
            )
            opts = pulumi.ResourceOptions(parent=self, depends_on=needed)
            runs[tier] = AnsibleRun(args, opts)
        self.register_outputs({})


def _written(
    stack: str,
    config: StackConfig,
    shared: Mapping[str, Any],
    own: Mapping[str, Any],
    only: Tier | None = None,
) -> str:
    return inventory(stack, config, shared, own, only).to_yaml()


def inventory(
    stack: str,
    config: StackConfig,
    shared: Mapping[str, Any],
    own: Mapping[str, Mapping[str, Any]],
    only: Tier | None = None,
) -> Inventory:
    """Return the site's inventory; with `only`, no other tier's variables are in it.

    So a changed variable makes no other tier differ. `shared` and `own` are what the substrate
    says of all hosts, and of each.
    """
    site = config.site
    return Inventory.model_validate(
        {
            "all": {
                "vars": {
                    "site_stack": stack,
                    "site_domain": site.domain,
                    "site_network": str(site.network),
                    "site_accounts": site.accounts,
                    # No role asks for it, so that allowing storms configures no host again.
                    "site_storms": config.storms and only is None,
                    **shared,
                },
                "children": {
                    tier.value: {
                        "hosts": {
                            plan.name: {
                                **own[plan.name],
                                **(size.hosts.get(plan.name, {}) if only in (None, tier) else {}),
                            }
                            for plan in site.hosts()
                            if plan.tier == tier
                        },
                        "vars": size.variables if only in (None, tier) else {},
                    }
                    for tier, size in site.tiers.items()
                },
            }
        }
    )


def secrets_of(config: pulumi.Config) -> pulumi.Output[Mapping[str, str]]:
    """Return the stack's secrets by name: those that Klokken made, and the one of its DNS."""
    made, dns_key = config.require_secret_object("secrets"), config.get_secret("dns_key")
    if dns_key is None:
        return made
    return pulumi.Output.all(made, dns_key).apply(lambda both: {**both[0], "dns_key": both[1]})


def _names(tier: Tier, config: StackConfig) -> tuple[str, ...]:
    """Return the names of the secrets that a tier needs."""
    by_dns = tier == Tier.EDGE and acme.name_server(config.site)
    return (*SECRETS[tier], *SHARED_SECRETS, *(("dns_key",) if by_dns else ()))


def _for_tier(names: tuple[str, ...], secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the role variables that carry secrets of these names."""
    if missing := [name for name in names if name not in secrets]:
        mend = MENDS.get(missing[0], "run `klokken init` for the stack again")
        raise pulumi.RunError(f"secrets: no {missing[0]}; {mend}")
    return {f"site_secret_{name}": secrets[name] for name in names}
