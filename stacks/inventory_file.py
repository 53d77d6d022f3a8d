"""The inventory of a stack as a file, for Ansible by hand, checks and storms."""

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

from klokken.paths import inventory_path
from stacks.provider import quiet_errors

if TYPE_CHECKING:
    import pulumi


class InventoryFileProvider(ResourceProvider):
    """Writes the file whole; notices when it was changed or removed."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Write the file."""
        path = inventory_path(props["stack"])
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".new")
        draft.write_text(props["content"], encoding="utf-8")
        draft.rename(path)
        return CreateResult(props["stack"], props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Report what the file says now."""
        path = inventory_path(props["stack"])
        content = path.read_text(encoding="utf-8") if path.exists() else ""
        found = {**props, "content": content}
        return ReadResult(id_, found, found)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Write again when the content differs; another stack has another file."""
        replaces = ["stack"] if olds["stack"] != news["stack"] else []
        changes = bool(replaces) or olds["content"] != news["content"]
        return DiffResult(changes=changes, replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Write the file."""
        return UpdateResult(self.create(news).outs)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remove the file, and its folder when nothing else is in it."""
        path = inventory_path(props["stack"])
        path.unlink(missing_ok=True)
        if path.parent.exists() and not any(path.parent.iterdir()):
            path.parent.rmdir()


class InventoryFile(Resource, module="klokken", name="InventoryFile"):
    """`inventories/<stack>/inventory.yml`."""

    def __init__(
        self, stack: str, content: pulumi.Input[str], opts: pulumi.ResourceOptions
    ) -> None:
        """Declare it."""
        props = {"stack": stack, "content": content}
        super().__init__(InventoryFileProvider(), f"{stack}-inventory", props, opts)


quiet_errors()
