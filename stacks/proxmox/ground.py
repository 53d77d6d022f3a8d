"""What the machines of a site are made from: the cluster, and the image on each node."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pulumi_proxmoxve as proxmoxve

if TYPE_CHECKING:
    from klokken.clouds.proxmox import Proxmox


class Ground(pulumi.ComponentResource):
    """The cluster; `images` are by node, each checked against its hash."""

    def __init__(self, stack: str, config: Proxmox, key: str, token: pulumi.Output[str]) -> None:
        """Declare it; `key` is the public key of whoever configures the hosts."""
        provider = proxmoxve.Provider(stack, endpoint=str(config.endpoint), api_token=token)
        opts = pulumi.ResourceOptions(providers=[provider])
        super().__init__("klokken:proxmox:Ground", stack, opts=opts)
        # Everything of the site is asked of the same cluster.
        self.within = pulumi.ResourceOptions(parent=self)
        self.key = key
        self.images = {
            node: proxmoxve.download.FileLegacy(
                f"{stack}-{node}",
                node_name=node,
                datastore_id=config.image_datastore,
                content_type="import",
                file_name=f"{stack}-{config.image.sha512[:12]}.qcow2",
                url=str(config.image.url),
                checksum=config.image.sha512,
                checksum_algorithm="sha512",
                overwrite=False,
                opts=self.within,
            )
            for node in config.nodes
        }
        self.register_outputs({})
