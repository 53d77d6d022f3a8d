"""The first contact with the hosts of a cloud, as a Pulumi resource."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from klokken.clouds import contact
from stacks.provider import quiet_errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi


# What a host is known by, and what a look at them found: nothing, as it should be.
KEYS = ("stack", "addresses", "machines", "unmet", "strange")


class ContactProvider(ResourceProvider):
    """Takes the SSH key of each host once: when it was made, or has another address."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Meet every host."""
        contact.meet(props["stack"], props["addresses"])
        return CreateResult(props["stack"], props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Report whose key is written down no more, and who shows another."""
        unmet, strange = contact.look(props["stack"], props["addresses"])
        found = {**props, "unmet": unmet, "strange": strange}
        return ReadResult(id_, found, found)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Meet again whoever is new."""
        different = [key for key, value in news.items() if key in KEYS and olds.get(key) != value]
        return DiffResult(
            changes=bool(different), replaces=[key for key in different if key == "stack"]
        )

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Meet the hosts that are new; the keys of the others stay the ones that they had.

        So a machine that was ordered anew may show another key, and no other may.
        """
        new = {
            name: address
            for name, address in news["addresses"].items()
            if olds["addresses"].get(name) != address
            or olds["machines"].get(name) != news["machines"][name]
            or name in olds.get("unmet", [])
        }
        same = {name: a for name, a in news["addresses"].items() if name not in new}
        if strange := {name: same[name] for name in olds.get("strange", []) if name in same}:
            contact.refuse(news["stack"], strange)
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
        hosts = {"addresses": addresses, "machines": machines}
        props = {"stack": stack, **hosts, "unmet": [], "strange": []}
        super().__init__(ContactProvider(), f"{stack}-contact", props, opts)


quiet_errors()
