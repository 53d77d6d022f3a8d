"""The credentials of a cloud: where each is looked for, and whether it can be one.

Whoever asks gets no credential to see but what is needed to use it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import yaml

from klokken import workspace
from klokken.errors import InputError, MachineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from klokken.clouds.openstack import OpenStack

# Where OpenStack's own programs look for clouds.yaml, in their order.
_PLACES = (Path(), Path.home() / ".config" / "openstack", Path("/etc/openstack"))


def configured(stack: str, key: str, variable: str) -> str | None:
    """Return a credential of a stack's config, or of the environment; None where there is none."""
    try:
        return workspace.pulumi("config", "get", key, "--stack", stack).strip()
    except MachineError:
        return os.environ.get(variable)


def require_entry(config: OpenStack) -> None:
    """Raise InputError unless clouds.yaml has the cloud, with an application credential.

    Pulumi's plugin goes where the entry says, whatever the stack does.
    """
    name = config.entry or config.cloud
    path = next((path for path in _files() if path.exists()), None)
    if path is None:
        mend = f"put {name} into ~/.config/openstack/clouds.yaml, from the cloud's console"
        raise InputError("clouds.yaml", "", "there is none", mend)
    try:
        found: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        entry = (found.get("clouds") or {}).get(name)
    except (OSError, yaml.YAMLError, AttributeError):
        raise InputError(path, "", "cannot be read", "mend the YAML") from None
    if entry is None:
        raise InputError(path, f"clouds.{name}", "missing", "add it, or set `entry` of the stack")
    if entry.get("auth_type") != "v3applicationcredential":
        problem = "is no application credential"
        mend = "make one in the cloud's console: it can be taken back, and a password opens more"
        raise InputError(path, f"clouds.{name}.auth_type", problem, mend)
    given = str((entry.get("auth") or {}).get("auth_url") or "nowhere")
    known = str(config.profile.regions[config.region].auth_url)
    if urlsplit(given)[:2] != urlsplit(known)[:2]:
        problem = f"{given} is not {config.profile.title} in {config.region}, which is {known}"
        mend = "correct it, or klokken/clouds/openstack.yaml where that is wrong"
        raise InputError(path, f"clouds.{name}.auth.auth_url", problem, mend)


def _files() -> Iterator[Path]:
    if given := os.environ.get("OS_CLIENT_CONFIG_FILE"):
        yield Path(given)
    yield from (place / "clouds.yaml" for place in _PLACES)
