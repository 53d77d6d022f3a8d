"""The list of hosts that a person begins with: every host of the site, with a place to fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from klokken.topology import Topology

_HEAD = """\
# The servers of this site. Correct what stands here; docs/servers.md says what each field means.

# An account on every server that is root, or may use sudo without a password, and its key here.
ssh: {{user: klokken, key: ~/.ssh/id_ed25519, port: 22}}

# The networks from which the servers may be reached by SSH: where this command line is run.
management: [{network}]

# By the site's own names. Add `host`, `port` or `user` where SSH reaches one otherwise. A cell of
# the drive has a disk for its documents: mount it on /srv/data, or add its name, such as
# `variables: {{volume_device: /dev/sdb}}`; there, a new disk gets a file system.
hosts:
"""


def beginning(site: Topology) -> str:
    """Return the text of a list whose addresses are only a proposal."""
    planned = list(site.network.hosts())
    # The first is the gateway's, as a rule.
    lines = [
        f"  {plan.name}: {{address: {address}}}\n"
        for plan, address in zip(site.hosts(), planned[1:], strict=False)
    ]
    return _HEAD.format(network=site.network) + "".join(lines)
