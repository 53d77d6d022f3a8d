"""A stack's config: what `Pulumi.<stack>.yaml` says of one deployment."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from klokken import acme
from klokken.document import IN_CLEAR, Document, read_yaml, validated
from klokken.errors import InputError
from klokken.paths import PROJECT
from klokken.roles import require_known
from klokken.substrates import Substrate
from klokken.topology import STACK_NAME, Tier, Topology

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACE = "klokken:"
# What opens a cloud, as Pulumi's plugins are told of it.
CREDENTIALS = (
    "hcloud:token",
    "openstack:applicationCredentialSecret",
    "openstack:password",
    "openstack:token",
    "proxmoxve:apiToken",
    "proxmoxve:password",
)


def _as_written(value: Any) -> Any:
    """Undo what `pulumi config set` does to plain values: it rewrites them all as strings."""
    if isinstance(value, str) and re.fullmatch(r"true|false|\d+", value):
        return yaml.safe_load(value)
    return value


class Encrypted(Document):
    """What Pulumi has encrypted with the stack's passphrase."""

    secure: str

    @model_validator(mode="before")
    @classmethod
    def _never_in_clear(cls, value: Any) -> Any:
        """Refuse a secret that can be read, without saying it."""
        if not isinstance(value, dict):
            raise PydanticCustomError(IN_CLEAR, "in clear")
        return value


class StackConfig(Document):
    """One deployment: where it stands, what it may be used for, and its site."""

    substrate: Substrate
    site: Topology
    storms: Annotated[bool, BeforeValidator(_as_written)] = False
    # Raise it to have Ansible go over every host again.
    revision: Annotated[int, BeforeValidator(_as_written), Field(ge=1, strict=True)] = 1
    secrets: Encrypted | None = None
    # What the site's name server knows who asks it for changes by, in base64.
    dns_key: Encrypted | None = None

    @classmethod
    def read(cls, stack: str) -> StackConfig:
        """Read the config of `stack`, or raise InputError."""
        path = config_path(stack)
        if not path.exists():
            raise InputError(path, "", "there is no such stack", f"run `klokken init {stack}`")
        content = read_yaml(path)
        if not isinstance(content, dict) or not isinstance(content.get("config"), dict):
            raise InputError(path, "config", "missing or not a mapping", "see stacks/examples/")
        config = cls.parse(content["config"], path)
        config.substrate.check(stack, config.site, path)
        return config

    @classmethod
    def parse(cls, config: dict[str, Any], source: object) -> StackConfig:
        """Validate the `config` mapping of a stack file called `source`."""
        ours = {
            str(key).removeprefix(NAMESPACE): value
            for key, value in config.items()
            if str(key).startswith(NAMESPACE)
        }
        for key in CREDENTIALS:
            if key in config:
                validated(Encrypted, config[key], source, key)
        found = validated(cls, ours, source, prefix=NAMESPACE.rstrip(":"))
        for tier, size in found.site.tiers.items():
            place = f"klokken.site.tiers.{tier}"
            require_known(tier, size.variables, source, f"{place}.variables")
            for host, variables in size.hosts.items():
                require_known(tier, variables, source, f"{place}.hosts.{host}")
        acme.require_sound(found.site, source, f"klokken.site.tiers.{Tier.EDGE}")
        return found


def config_path(stack: str) -> Path:
    """Return the file that holds the config of `stack`; raise InputError for a bad name."""
    if not re.fullmatch(STACK_NAME, stack):
        raise InputError("stack", stack, "not a stack name", "use at most 30 of a-z, 0-9 and -")
    return PROJECT / f"Pulumi.{stack}.yaml"
