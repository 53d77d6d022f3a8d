"""The first contact with the hosts of a cloud, as a Pulumi resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from klokken.clouds import contact
from stacks.provider import quiet_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi


class ContactProvider(ResourceProvider):
    """Takes the SSH key of each host once: when it was made, or has another address."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Meet every host."""
        contact.meet(props["stack"], props["addresses"])
        return CreateResult(props["stack"], props)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Meet again whoever is new."""
        keys = ("stack", "addresses", "machines")
        different = [key for key in keys if olds.get(key) != news[key]]
        return DiffResult(
            changes=bool(different), replaces=[key for key in different if key == "stack"]
        )

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Meet the hosts that are new; the keys of the others stay the ones that they had."""
        new = {
            name: address
            for name, address in news["addresses"].items()
            if olds["addresses"].get(name) != address
            or olds["machines"].get(name) != news["machines"][name]
        }
        if new:
            contact.meet(news["stack"], new)
        return UpdateResult(news)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Forget the keys."""
        contact.forget(props["stack"])


class Contact(Resource, module="klokken", name="Contact"):
    """The hosts of a cloud, met; `machines` are their ids there, known once SSH answers."""

    machines: pulumi.Output[Mapping[str, str]]

    def __init__(
        self,
        stack: str,
        addresses: Mapping[str, pulumi.Input[str]],
        machines: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it."""
        props = {"stack": stack, "addresses": addresses, "machines": machines}
        super().__init__(ContactProvider(), f"{stack}-contact", props, opts)


quiet_errors()
