"""The lab's parts as Pulumi resources.

A resource that is down when Pulumi looks (`read`) reports inputs that differ from what is
declared, so that `pulumi up` mends it in place and `pulumi destroy` still knows of it.
"""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import (
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from stacks.lab.folder import LabFolder
from stacks.lab.host import HostSpec, LabHost
from stacks.lab.image import ensure_image, image_key, image_path
from stacks.lab.network import LabNetwork
from stacks.lab.sweep import sweep
from stacks.provider import quiet_errors

UP = "up"
DOWN = "down"


class _Provider(ResourceProvider):
    """Common to all parts: what must be replaced, what is mended in place."""

    replaces: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Replace for what cannot change in place, update for the rest."""
        ours = news.keys() - {"__provider", *self.outputs}
        different = sorted(key for key in ours if olds.get(key) != news[key])
        return DiffResult(
            changes=bool(different),
            replaces=[key for key in different if key in self.replaces],
            delete_before_replace=True,
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Report whether the part is up."""
        found = {**props, "state": UP if self.is_up(props) else DOWN}
        return ReadResult(id_, found, found | dict.fromkeys(self.outputs))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Bring the part up, as `create` does."""
        return UpdateResult(self.create(news).outs)

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether the part that `props` describe is there and working."""
        raise NotImplementedError


class GroundProvider(_Provider):
    """The lab's folder and its base image: the first to come and the last to go."""

    replaces = ("stack",)

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether folder and image are there."""
        return LabFolder(props["stack"]).exists() and image_path(props["image"]).exists()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make folder, key and image."""
        LabFolder(props["stack"]).make()
        ensure_image(props["image"])
        return CreateResult(props["stack"], props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remove the folder and whatever of the lab may still be left."""
        sweep(props["stack"])


class NetworkProvider(_Provider):
    """The lab's bridge and rules."""

    replaces = ("stack", "network")

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether bridge and rules are there."""
        return LabNetwork(props["stack"], props["network"]).exists()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the bridge and its rules."""
        network = LabNetwork(props["stack"], props["network"])
        network.make()
        return CreateResult(network.bridge, props)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remove them."""
        LabNetwork(props["stack"], props["network"]).remove()


class HostProvider(_Provider):
    """One host. Its weight changes in place; all else makes another host."""

    replaces = ("stack", "name", "address", "network", "image", "volume_gb")
    outputs = ("instance",)

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether the host's container runs."""
        return _host(props).running()

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Boot the host, made first where there is none."""
        instance = _host(props).ensure()
        return CreateResult(f"{props['stack']}-{props['name']}", {**props, "instance": instance})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Power the host off and delete its data."""
        _host(props).remove()


class Ground(Resource, module="klokken", name="LabGround"):
    """The lab's folder on this machine, its SSH key, and the image of its hosts."""

    def __init__(self, stack: str, opts: pulumi.ResourceOptions) -> None:
        """Declare it."""
        props = {"stack": stack, "image": image_key(), "state": UP}
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
        timeouts = pulumi.CustomTimeouts(create="10m", update="10m", delete="3m")
        merged = pulumi.ResourceOptions.merge(
            pulumi.ResourceOptions(custom_timeouts=timeouts), opts
        )
        super().__init__(HostProvider(), spec.name, props, merged)


def _host(props: dict[str, Any]) -> LabHost:
    # A lab of an older version knows fewer of them. Pulumi hands whole numbers over as floats.
    fields = {key: props[key] for key in HostSpec.model_fields if key in props}
    whole = {key: int(value) for key, value in fields.items() if isinstance(value, float)}
    return LabHost(HostSpec.model_validate(fields | whole))


quiet_errors()
