"""Stacks on clouds for tests: their configs, and an engine that only writes down."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pulumi

from klokken.stackconfig import StackConfig
from policy.rules import RULES
from policy.seen import Seen
from stacks.site import SECRETS, Site
from stacks.substrate import stand
from tests.registrations import Registrations, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK = "horsens"
TOKEN = "t" * 64
PROXMOX_TOKEN = f"klokken@pve!site={'0' * 36}"
PUBLIC_KEY = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJhY2tiYWNrYmFja2JhY2tiYWNrYmFja2JhY2tiYWNr klokken"
)
SECRET_NAMES = sorted({name for names in SECRETS.values() for name in names} | {"ca_certificate"})
COMMON = {
    "owner": "horsens",
    "purpose": "school",
    "management": ["192.0.2.0/24"],
}
SETTINGS: dict[str, dict[str, Any]] = {
    "hetzner": {"location": "fsn1", "type": "cpx32", "types": {"database": "ccx33"}},
    "openstack": {
        "cloud": "cleura",
        "region": "Sto2",
        "type": "4-8",
        "flavours": {"4-8": "4C-8GB"},
    },
    "proxmox": {
        "endpoint": "https://pve.horsens.example:8006/",
        "nodes": ["pve1", "pve2", "pve3"],
        "datastore": "ceph",
        "image": {"url": "https://images.example/debian-13.qcow2", "sha512": "a" * 128},
        "gateway": "10.20.0.1",
        "name_servers": ["10.20.0.2"],
        "size": {"cores": 4, "memory_gb": 8},
    },
}
KINDS = tuple(SETTINGS)


def configured(kind: str, ssh_key: str, tiers: Any = None, **settings: Any) -> StackConfig:
    """Return the config of a stack on a cloud, checked as `klokken up` checks it."""
    site = {
        "domain": "skole.example",
        "network": settings.pop("network", "10.20.0.0/24"),
        "accounts": 10_000,
        "tiers": {"drive": {"count": 2, "volume_gb": 100}} if tiers is None else tiers,
    }
    substrate = {"kind": kind, "ssh_key": ssh_key, **COMMON, **SETTINGS[kind], **settings}
    config = StackConfig.parse({"klokken:substrate": substrate, "klokken:site": site}, "a test")
    config.substrate.check(STACK, config.site, "a test")
    return config


class Recorder(pulumi.runtime.Mocks):
    """Answers for the engine, and keeps what was declared in its order."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.declared: list[pulumi.runtime.MockResourceArgs] = []
        self.registrations = Registrations()

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        """Return an id, a number as clouds have them, and what a cloud would add."""
        self.declared.append(args)
        number = len(self.declared)
        added = {
            "ipv4Address": f"192.0.2.{number % 250}",
            "ipv6Address": f"2001:db8::{number:x}",
            "ipv4": f"203.0.113.{number % 250}",
            "ipv6": f"2001:db8::{number:x}",
            "linuxDevice": f"/dev/disk/by-id/scsi-0HC_Volume_{number}",
            "accessIpV4": f"192.0.2.{number % 250}",
            "address": args.inputs.get("address") or f"203.0.113.{number % 250}",
            "device": "/dev/vdb",
            "vipPortId": f"port-{number}",
        }
        return str(number), {**added, **args.inputs}

    def call(
        self, args: pulumi.runtime.MockCallArgs
    ) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        """Return what a look-up in the cloud finds."""
        return {"id": f"the-{args.args.get('name')}", **args.args}, []

    def of(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the inputs of everything of a kind, by name."""
        return {a.name: a.inputs for a in self.declared if a.typ.endswith(f":{kind}")}

    def place(self, kind: str, name: str) -> int:
        """Return when something was declared, counted from 0."""
        return next(
            place
            for place, each in enumerate(self.declared)
            if each.typ.endswith(f":{kind}") and each.name == name
        )


@contextmanager
def engine(stack: str = STACK) -> Iterator[Recorder]:
    """Have Pulumi declare to a recorder for as long as held."""
    recorder = Recorder()
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        pulumi.runtime.set_mocks(recorder, project="klokken", stack=stack)
        recorder.registrations = watch()
        yield recorder


def declared(config: StackConfig) -> Recorder:
    """Return what a whole stack declares."""
    with engine() as recorder:

        @pulumi.runtime.test  # type: ignore[untyped-decorator] # Pulumi leaves it untyped
        def program() -> None:
            secrets = pulumi.Output.secret({name: f"secret {name}" for name in SECRET_NAMES})
            Site(STACK, config, stand(STACK, config), secrets)

        program()
    return recorder


def refused(seen: Recorder) -> list[str]:
    """Return what the policy pack says of a stack."""
    kept = seen.registrations.protected()
    things = [(a, f"{a.typ.rpartition(':')[2]}:{a.name}" in kept) for a in seen.declared]
    each = [Seen(a.typ, a.name, a.inputs, protect=protect) for a, protect in things]
    return [problem for rule in RULES.values() for one in each for problem in rule(one)]
