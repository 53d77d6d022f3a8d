"""Looking at a stack as a whole: its config, its secrets, its substrate, names and certificates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken import workspace
from klokken.clouds import doctor as clouds
from klokken.clouds.settings import Cloud
from klokken.deployment import require_machine
from klokken.doctor import certificates, names
from klokken.doctor.findings import Cost, Examination, Finding, judged
from klokken.errors import InputError, KlokkenError
from klokken.servers import doctor as servers
from klokken.stackconfig import StackConfig, config_path
from klokken.substrates import Lab, Servers

if TYPE_CHECKING:
    from datetime import date


def examine(stack: str, today: date, *, accept_host_keys: bool = False) -> Examination:
    """Return what `stack` has and lacks; raise InputError where its config cannot be read."""
    config = StackConfig.read(stack)
    if accept_host_keys and not isinstance(config.substrate, Servers):
        problem = "are for servers that exist: elsewhere `up` takes the keys of new hosts itself"
        raise InputError("doctor", "--accept-host-keys", problem, "leave it out")
    count = len(config.site.hosts())
    secrets = [] if config.secrets else [f"none yet; run `klokken init {stack}`"]
    findings = [
        Finding(topic="config", ready=True, text=f"{config_path(stack).name}: {count} hosts"),
        *judged("secrets", secrets, "encrypted in the config"),
    ]
    of_substrate, cost = _look(stack, config, today, accept=accept_host_keys)
    return Examination(
        stack=stack,
        substrate=config.substrate.kind,
        findings=[
            *findings,
            *of_substrate,
            *names.examine(config.site, _front(stack, config)),
            *certificates.examine(config.site, today, _dns_key(stack, config)),
        ],
        cost=cost,
    )


def _look(
    stack: str, config: StackConfig, today: date, *, accept: bool
) -> tuple[list[Finding], Cost | None]:
    """Return what is to say of the substrate, and what the stack costs on it."""
    match config.substrate:
        case Lab():
            return judged("machine", _refusals(config), "can hold a lab"), None
        case Servers():
            return servers.look(stack, config.site, today, accept=accept)
        case cloud:
            return clouds.look(stack, cloud, config.site, today)


def _front(stack: str, config: StackConfig) -> set[str]:
    """Return where the site's names shall lead, where a cloud has said so."""
    return clouds.front(stack, config.substrate) if isinstance(config.substrate, Cloud) else set()


def _dns_key(stack: str, config: StackConfig) -> str | None:
    """Return what the site's name server knows, where the config has it."""
    return workspace.dns_key(stack) if config.dns_key else None


def _refusals(config: StackConfig) -> list[str]:
    try:
        require_machine(config)
    except KlokkenError as error:
        return [str(error)]
    return []
