"""The lab's parts as Pulumi resources."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, DiffResult, Resource

from stacks.lab.folder import LabFolder
from stacks.lab.host import HostSpec, LabHost
from stacks.lab.image import ensure_image, image_key, image_path
from stacks.lab.network import LabNetwork, bridge_name
from stacks.lab.part import UP, PartProvider
from stacks.lab.sweep import sweep
from stacks.limits import GROUND, HOST, NETWORK
from stacks.provider import quiet_errors, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi


class GroundProvider(PartProvider):
    """The lab's folder and its base image: the first to come and the last to go."""

    limits = GROUND
    replaces = ("stack",)

    def name(self, props: dict[str, Any]) -> str:
        """Return the folder."""
        return str(LabFolder(props["stack"]).path)

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether folder and image are there."""
        return LabFolder(props["stack"]).exists() and image_path(props["image"]).exists()

    def make(self, props: dict[str, Any]) -> CreateResult:
        """Make folder, key and image."""
        volumes = {name: int(size) for name, size in props["volumes"].items()}
        LabFolder(props["stack"]).make(volumes)
        ensure_image(props["image"])
        return CreateResult(props["stack"], props)

    def remove(self, props: dict[str, Any]) -> None:
        """Remove the folder and whatever of the lab may still be left."""
        sweep(props["stack"])


class NetworkProvider(PartProvider):
    """The lab's bridge and rules."""

    limits = NETWORK
    replaces = ("stack", "network")

    def name(self, props: dict[str, Any]) -> str:
        """Return the bridge."""
        return bridge_name(props["stack"])

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether bridge and rules are there."""
        return LabNetwork(props["stack"], props["network"]).exists()

    def make(self, props: dict[str, Any]) -> CreateResult:
        """Make the bridge and its rules."""
        network = LabNetwork(props["stack"], props["network"])
        network.make()
        return CreateResult(network.bridge, props)

    def remove(self, props: dict[str, Any]) -> None:
        """Remove them."""
        LabNetwork(props["stack"], props["network"]).remove()


class HostProvider(PartProvider):
    """One host. Its weight changes in place, its volume never; all else makes another host."""

    limits = HOST
    replaces = ("stack", "name", "address", "network", "image")
    outputs = ("instance",)

    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Replace for a volume that was none, or shall be none any more, too."""
        found = super().diff(id_, olds, news)
        if bool(olds.get("volume_gb")) != bool(news["volume_gb"]):
            found.replaces = [*(found.replaces or []), "volume_gb"]
        return found

    def name(self, props: dict[str, Any]) -> str:
        """Return the host."""
        return str(props["name"])

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether the host's container runs."""
        return _host(props).running()

    def make(self, props: dict[str, Any]) -> CreateResult:
        """Boot the host, made first where there is none."""
        instance = _host(props).ensure()
        return CreateResult(f"{props['stack']}-{props['name']}", {**props, "instance": instance})

    def remove(self, props: dict[str, Any]) -> None:
        """Power the host off and delete its data."""
        _host(props).remove()


class Ground(Resource, module="klokken", name="LabGround"):
    """The lab's folder on this machine, its SSH key, and the image of its hosts.

    `volumes` has the size of each host's data volume in GB, by which the disk is looked at first.
    """

    def __init__(
        self, stack: str, volumes: Mapping[str, int], opts: pulumi.ResourceOptions
    ) -> None:
        """Declare it."""
        props = {"stack": stack, "volumes": volumes, "image": image_key(), "state": UP}
        super().__init__(GroundProvider(), f"{stack}-ground", props, opts)


class Network(Resource, module="klokken", name="LabNetwork"):
    """The lab's bridge, with the rules that keep its hosts in."""

    def __init__(self, stack: str, network: str, opts: pulumi.ResourceOptions) -> None:
        """Declare it."""
        props = {"stack": stack, "network": network, "state": UP}
        super().__init__(NetworkProvider(), f"{stack}-network", props, opts)


class Host(Resource, module="klokken", name="LabHost"):
    """One Debian host under systemd-nspawn; `instance` is the id of its data."""

    instance: pulumi.Output[str]

    def __init__(self, spec: HostSpec, opts: pulumi.ResourceOptions) -> None:
        """Declare it."""
        props = {**spec.model_dump(), "state": UP, "instance": None}
        super().__init__(HostProvider(), spec.name, props, opts)


def _host(props: dict[str, Any]) -> LabHost:
    # A lab of an older version knows fewer of them.
    fields = {key: whole(props[key]) for key in HostSpec.model_fields if key in props}
    return LabHost(HostSpec.model_validate(fields))


quiet_errors()
