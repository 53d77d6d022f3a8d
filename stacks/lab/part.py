"""What all parts of a lab have in common as Pulumi resources.

A resource that is down when Pulumi looks (`read`) reports inputs that differ from what is
declared, so that `pulumi up` mends it in place and `pulumi destroy` still knows of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pulumi.dynamic import CreateResult, DiffResult, ReadResult, ResourceProvider, UpdateResult

from klokken.deadline import within

if TYPE_CHECKING:
    from stacks.limits import Limits

UP = "up"
DOWN = "down"


class PartProvider(ResourceProvider):
    """What must be replaced, what is mended in place, and within how many seconds."""

    limits: ClassVar[Limits]
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

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Make the part."""
        with within(self.name(props), "create", self.limits.create):
            return self.make(props)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Bring the part up, as `create` does."""
        with within(self.name(news), "update", self.limits.update):
            return UpdateResult(self.make(news).outs)

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """Remove the part."""
        with within(self.name(props), "delete", self.limits.delete):
            self.remove(props)

    def name(self, props: dict[str, Any]) -> str:
        """Return what a person calls the part that `props` describe."""
        raise NotImplementedError

    def is_up(self, props: dict[str, Any]) -> bool:
        """Say whether the part that `props` describe is there and working."""
        raise NotImplementedError

    def make(self, props: dict[str, Any]) -> CreateResult:
        """Make of the part whatever is not there yet."""
        raise NotImplementedError

    def remove(self, props: dict[str, Any]) -> None:
        """Remove of the part whatever is there."""
        raise NotImplementedError
