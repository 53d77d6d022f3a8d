"""A site: the hosts of a substrate, configured tier by tier, and the inventory of them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pulumi

from klokken.inventory import Inventory
from klokken.topology import Tier
from stacks.ansible.resource import AnsibleRun, RunArgs
from stacks.ansible.sources import digest
from stacks.inventory_file import InventoryFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from klokken.stackconfig import StackConfig

# No tier needs another: identity is the only one that asks for one at all, and its role waits for
# the database when everything that needs none is done. The way through these two is the longest,
# so the rest lets the database go first: their hosts may share a machine's cores.
FIRST = (Tier.DATABASE, Tier.IDENTITY)
# Each tier is told no more secrets than it needs.
SECRETS = {
    Tier.DATABASE: ("database", "ca_key"),
    Tier.IDENTITY: ("database", "admin", "warmup", "pupils_hash", "pupils_salt"),
    Tier.DRIVE: ("directory",),
    Tier.EDGE: ("ca_key",),
    Tier.METRICS: (),
    Tier.LOADGEN: ("pupils",),
}
SHARED_SECRETS = ("ca_certificate",)


class Site(pulumi.ComponentResource):
    """Hosts that exist, configured."""

    def __init__(
        self,
        stack: str,
        config: StackConfig,
        instances: Mapping[str, pulumi.Output[str]],
        reach: Mapping[str, str],
        secrets: pulumi.Output[Mapping[str, str]],
    ) -> None:
        """Declare the inventory and one Ansible run a tier."""
        super().__init__("klokken:site:Site", stack)
        self.inventory = inventory(stack, config, reach)
        InventoryFile(stack, self.inventory.to_yaml(), pulumi.ResourceOptions(parent=self))
        runs: dict[Tier, AnsibleRun] = {}
        for tier in Tier:
            needed = [] if tier in FIRST else [runs[Tier.DATABASE]]
            names = self.inventory.hosts(tier)
            args = RunArgs(
                stack=stack,
                tier=tier.value,
                inventory=inventory(stack, config, reach, only=tier).to_yaml(),
                instances={name: instances[name] for name in names},
                sources=digest(tier),
                secrets=secrets.apply(partial(_for_tier, tier)),
                revision=config.revision,
                gate={
                    "network": str(config.site.network),
                    "addresses": [str(host.ansible_host) for host in names.values()],
                },
            )
            opts = pulumi.ResourceOptions(parent=self, depends_on=needed)
            runs[tier] = AnsibleRun(args, opts)
        self.register_outputs({})


def inventory(
    stack: str, config: StackConfig, reach: Mapping[str, str], only: Tier | None = None
) -> Inventory:
    """Return the site's inventory; with `only`, no other tier's variables are in it.

    So a changed variable makes no other tier differ.
    """
    site = config.site
    plans = site.hosts()
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
                    **reach,
                },
                "children": {
                    tier.value: {
                        "hosts": {
                            plan.name: {
                                "ansible_host": str(plan.address),
                                **(own.hosts.get(plan.name, {}) if only in (None, tier) else {}),
                            }
                            for plan in plans
                            if plan.tier == tier
                        },
                        "vars": own.variables if only in (None, tier) else {},
                    }
                    for tier, own in site.tiers.items()
                },
            }
        }
    )


def _for_tier(tier: Tier, secrets: Mapping[str, str]) -> dict[str, str]:
    """Return the role variables that carry the secrets of `tier`."""
    names = (*SECRETS[tier], *SHARED_SECRETS)
    missing = [name for name in names if name not in secrets]
    if missing:
        raise pulumi.RunError(f"secrets: no {missing[0]}; run `klokken init` for the stack again")
    return {f"site_secret_{name}": secrets[name] for name in names}
