"""The adoption of hosts that exist, as a Pulumi resource: looked at, never made or deleted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import (
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from klokken.deadline import within
from klokken.errors import MachineError
from klokken.servers.preconditions import TOGETHER, remotes, require
from stacks.limits import ADOPTION
from stacks.provider import quiet_errors, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pulumi

    from klokken.remote import Remote

UP = "up"
# A host that does not answer, or not as the one that was adopted, makes `up` look at all again.
DOWN = "down"


class AdoptionProvider(ResourceProvider):
    """Checks that every host has what it needs, all of them side by side."""

    limits = ADOPTION

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Look at the hosts; raise MachineError with everything that keeps them from use."""
        with within(f"hosts of {props['stack']}", "create", self.limits.create):
            return self._adopted(props)

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Report which machines answer now."""
        instances = _machines(props)
        state = UP if instances == props.get("instances") else DOWN
        found = {**props, "state": state}
        return ReadResult(id_, found, {**found, "instances": None})

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """Look again when the list differs, or when other machines answer than before."""
        keys = ("stack", "own", "shared", "state")
        different = [key for key in keys if olds.get(key) != news[key]]
        replaces = [key for key in different if key == "stack"]
        return DiffResult(changes=bool(different), replaces=replaces)

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """Look at the hosts, as for the first time."""
        with within(f"hosts of {news['stack']}", "update", self.limits.update):
            return UpdateResult(self._adopted(news).outs)

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        """Leave the hosts alone: they are not ours."""

    def _adopted(self, props: dict[str, Any]) -> CreateResult:
        networks = [IPv4Network(network) for network in props["shared"]["site_management"]]
        instances = require(props["stack"], whole(props["own"]), networks, props["shared"])
        return CreateResult(props["stack"], {**props, "instances": instances})


class Adoption(Resource, module="klokken", name="ServerAdoption"):
    """The listed hosts of a site; `instances` are their machine ids."""

    instances: pulumi.Output[Mapping[str, str]]

    def __init__(
        self, stack: str, own: Mapping[str, Mapping[str, Any]], shared: Mapping[str, Any]
    ) -> None:
        """Declare it."""
        props = {"stack": stack, "own": own, "shared": shared, "state": UP, "instances": None}
        super().__init__(AdoptionProvider(), f"{stack}-adoption", props)


def _machines(props: Mapping[str, Any]) -> dict[str, str]:
    """Return the machine id of every host that answers."""

    def ask(host: Remote) -> str:
        try:
            return host.run(["cat", "/etc/machine-id"]).strip()
        except MachineError:
            return ""

    hosts = remotes(whole(props["own"]), props["shared"])
    with ThreadPoolExecutor(min(len(hosts), TOGETHER)) as pool:
        return dict(zip((host.name for host in hosts), pool.map(ask, hosts), strict=True))


quiet_errors()
