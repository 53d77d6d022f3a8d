"""Standing a stack up, checking it and taking it down, by starting the programs that do so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import click

from klokken import workspace
from klokken.clouds.doctor import require_account
from klokken.clouds.refusals import explained
from klokken.clouds.settings import Cloud
from klokken.errors import Exit, InputError, KlokkenError, MachineError
from klokken.inventory import Inventory
from klokken.locks import abandoned
from klokken.paths import LABS, PROJECT, inventory_path, unfinished_folder
from klokken.program import cancel_file, run
from klokken.servers.listing import ServerList
from klokken.stackconfig import StackConfig, config_path
from klokken.substrates import Lab, Servers
from klokken.topology import Tier

# What a lab needs of the machine, and the Debian package that has it.
LAB_PROGRAMS = {
    "debootstrap": "debootstrap",
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "nft": "nftables",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
}
DOWN_LIMIT = 300
# What has Pulumi ask the policy pack: where something is about to be bought.
POLICIES = ["--policy-pack", "policy"]
# Where a run of Ansible has its secrets for as long as it lasts.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - only our own folders in it are named


class CheckError(KlokkenError):
    """A host is not as it shall be."""

    code = Exit.FAIL


def up(stack: str) -> None:
    """Stand `stack` up; raise KlokkenError when it does not stand."""
    config = workspace.require_stack(stack)
    require_machine(config)
    if isinstance(config.substrate, Servers):
        ServerList.read(stack, config.site)
    if abandoned(stack):
        _release(stack)
    if not isinstance(config.substrate, Cloud):
        _pulumi("up", stack)
        return
    require_account(stack, config.substrate, config.site)
    with explained(stack) as log:
        _pulumi("up", stack, *POLICIES, *log)


def preview(stack: str) -> None:
    """Show what `up` would change."""
    config = workspace.require_stack(stack)
    policies = POLICIES if isinstance(config.substrate, Cloud) else []
    code = run(["pulumi", "preview", "--stack", stack, *policies])
    if code:
        raise MachineError(f"preview of {stack}: failed; the lines above say why")


def down(stack: str, *, from_hosts: bool = False, sure: bool = False) -> None:
    """Remove `stack`; whatever Pulumi does not know of any more of a lab is swept up after it.

    Servers that a person listed are let go as they are, or, with `from_hosts`, without all that
    the stack has put on them; that is told first, and asked about unless one is `sure`.
    """
    config_path(stack)
    if from_hosts:
        _remove_from_hosts(stack, sure=sure)
    is_lab = _may_be_lab(stack)
    if is_lab and (LABS / stack).exists():
        _require_root()
    if config_path(stack).exists():
        _destroy(stack, swept=is_lab and os.geteuid() == 0)
    for tier in Tier:
        shutil.rmtree(SHARED_MEMORY / f"klokken-{os.getuid()}-{stack}-{tier}", ignore_errors=True)
    if is_lab and os.geteuid() == 0:
        _sweep(stack)
    shutil.rmtree(unfinished_folder(stack), ignore_errors=True)
    path = inventory_path(stack)
    path.unlink(missing_ok=True)
    if path.parent.exists() and not any(path.parent.iterdir()):
        path.parent.rmdir()


def check(stack: str) -> None:
    """Run the host checks against `stack`; raise when one fails."""
    read_inventory(stack)
    argv = ["pytest", "-q", "--no-header", "tests/hosts"]
    code = run([*argv, f"--stack={stack}"])
    if code:
        raise CheckError(f"check of {stack}: a host is not as it shall be; see above")


def read_inventory(stack: str) -> Inventory:
    """Return the inventory of a stack that is up, or raise InputError."""
    path = inventory_path(stack)
    if not path.exists():
        config_path(stack)
        raise InputError("stack", stack, "is not up", f"run `klokken up {stack}`")
    return Inventory.read(path)


def require_machine(config: StackConfig) -> None:
    """Raise before anything is made when the machine cannot hold a lab."""
    if not isinstance(config.substrate, Lab):
        return
    _require_root()
    missing = [package for name, package in LAB_PROGRAMS.items() if not shutil.which(name)]
    if missing:
        raise MachineError(f"missing on this machine: {', '.join(missing)}; run `make setup`")


def _require_root() -> None:
    if os.geteuid() != 0:
        raise MachineError("a lab needs root, for containers and their network; run as root")


def _destroy(stack: str, *, swept: bool) -> None:
    """Have Pulumi take the stack down; where it cannot, say so if the stack is `swept` up then."""
    _release(stack)
    try:
        code = run(["pulumi", "destroy", "--stack", stack, "--yes", "--skip-preview"])
        problem = "Pulumi could not"
    except MachineError as error:
        if not swept:
            raise
        code, problem = Exit.MACHINE, str(error)
    if code and not swept:
        raise MachineError(f"down of {stack}: something is left; the lines above say why")
    if code:
        click.echo(f"klokken: {problem}; sweeping {stack} up without it", err=True)


def _pulumi(verb: str, stack: str, *options: str) -> None:
    """Run a changing Pulumi command; Ctrl-C ends the step under way, then Pulumi itself."""
    with cancel_file() as cancel:
        argv = ["pulumi", verb, "--stack", stack, "--yes", "--skip-preview", *options]
        code = run(argv, cancel=cancel)
    if code:
        raise MachineError(f"{verb} of {stack}: failed; the lines above say why, then try again")


def _release(stack: str) -> None:
    """Drop the lock that a killed Pulumi left on the stack's state."""
    # Without a lock there is nothing to cancel, and Pulumi calls that an error.
    with suppress(MachineError):
        workspace.pulumi("cancel", "--yes", "--stack", stack)


def _remove_from_hosts(stack: str, *, sure: bool) -> None:
    """Have servers rid of all that the stack has put on them, data included."""
    if not isinstance(StackConfig.read(stack).substrate, Servers):
        problem = "is for servers that exist; this stack's hosts go as a whole"
        raise InputError("down", "--remove-from-hosts", problem, "leave it out")
    argv = [sys.executable, "-m", "stacks.servers.removal", stack]
    if run([*argv, "--list"]):
        raise MachineError(f"down of {stack}: the line above says what is wrong")
    if not sure:
        click.confirm("Take all of this from the hosts, their data included?", abort=True)
    if run(argv):
        raise MachineError(f"down of {stack}: something is left; mend it, and do it again")


def _may_be_lab(stack: str) -> bool:
    """Say whether the stack is a lab, as far as anybody can tell any more."""
    try:
        return isinstance(StackConfig.read(stack).substrate, Lab)
    except InputError:
        return True


def _sweep(stack: str) -> None:
    argv = [sys.executable, "-m", "stacks.lab.sweep", stack]
    try:
        done = subprocess.run(argv, cwd=PROJECT, timeout=DOWN_LIMIT, check=False)
    except subprocess.TimeoutExpired:
        raise MachineError(
            f"down of {stack}: not swept up after {DOWN_LIMIT} s; `klokken down` again goes on"
        ) from None
    if done.returncode:
        raise MachineError(f"down of {stack}: something is left; the line above says what")
