"""Standing a stack up, checking it and taking it down, by starting the programs that do so."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from klokken import workspace
from klokken.clouds.doctor import require_account
from klokken.clouds.refusals import explained
from klokken.clouds.settings import Cloud
from klokken.errors import Exit, InputError, KlokkenError, MachineError
from klokken.inventory import Inventory
from klokken.paths import PROJECT, inventory_path
from klokken.servers.listing import ServerList
from klokken.stackconfig import StackConfig, config_path
from klokken.substrates import Lab, Servers
from klokken.topology import Tier

if TYPE_CHECKING:
    from collections.abc import Iterator

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
# Seconds for steps to end by themselves after Ctrl-C.
STOPPING = 30


class CheckError(KlokkenError):
    """A host is not as it shall be."""

    code = Exit.FAIL


def up(stack: str) -> None:
    """Stand `stack` up; raise KlokkenError when it does not stand."""
    config = workspace.require_stack(stack)
    require_machine(config)
    if isinstance(config.substrate, Servers):
        ServerList.read(stack, config.site)
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
    code = _run(["pulumi", "preview", "--stack", stack, *policies])
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
    if config_path(stack).exists():
        _release(stack)
        code = _run(["pulumi", "destroy", "--stack", stack, "--yes", "--skip-preview"])
        if code and not _may_be_lab(stack):
            raise MachineError(f"down of {stack}: something is left; the lines above say why")
        if code:
            click.echo(f"klokken: Pulumi could not; sweeping {stack} up without it", err=True)
    for tier in Tier:
        shutil.rmtree(SHARED_MEMORY / f"klokken-{os.getuid()}-{stack}-{tier}", ignore_errors=True)
    if os.geteuid() == 0 and _may_be_lab(stack):
        _sweep(stack)
    path = inventory_path(stack)
    path.unlink(missing_ok=True)
    if path.parent.exists() and not any(path.parent.iterdir()):
        path.parent.rmdir()


def check(stack: str) -> None:
    """Run the host checks against `stack`; raise when one fails."""
    read_inventory(stack)
    argv = ["pytest", "-q", "--no-header", "-p", "no:cacheprovider", "tests/hosts"]
    code = _run([*argv, f"--stack={stack}"])
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
    if os.geteuid() != 0:
        raise MachineError("a lab needs root, for containers and their network; run as root")
    missing = [package for name, package in LAB_PROGRAMS.items() if not shutil.which(name)]
    if missing:
        raise MachineError(f"missing on this machine: {', '.join(missing)}; run `make setup`")


def _pulumi(verb: str, stack: str, *options: str) -> None:
    """Run a changing Pulumi command; Ctrl-C ends the step under way, then Pulumi itself."""
    with _cancel_file() as cancel:
        argv = ["pulumi", verb, "--stack", stack, "--yes", "--skip-preview", *options]
        code = _run(argv, cancel=cancel)
    if code:
        raise MachineError(f"{verb} of {stack}: failed; the lines above say why, then try again")


def _run(argv: list[str], cancel: Path | None = None) -> int:
    """Run a program in the project's environment, its output shown as it comes."""
    extra = {"KLOKKEN_CANCEL": str(cancel)} if cancel else {}
    environment = os.environ | workspace.environment() | extra
    # Should we be killed, the program is told to end too.
    bound = ["setpriv", "--pdeathsig", "TERM", *argv]
    if not shutil.which(argv[0], path=environment["PATH"]):
        raise MachineError(f"{argv[0]}: not on this machine; run `make setup`")
    # A group of its own: Ctrl-C reaches us alone, and we end the program in good order.
    process = subprocess.Popen(bound, cwd=PROJECT, env=environment, process_group=0)
    try:
        return process.wait()
    except KeyboardInterrupt:
        click.echo("klokken: stopping", err=True)
        if cancel:
            # What Pulumi has under way sees this and ends in good order, and so does Pulumi.
            cancel.touch()
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOPPING)
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes], patience: float = 120) -> None:
    """Ask a program to end, and insist when it does not."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
        return


@contextmanager
def _cancel_file() -> Iterator[Path]:
    """Name a file whose appearance ends a running Ansible."""
    with tempfile.TemporaryDirectory(prefix="klokken-") as folder:
        yield Path(folder) / "cancel"


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
    if _run([*argv, "--list"]):
        raise MachineError(f"down of {stack}: the line above says what is wrong")
    if not sure:
        click.confirm("Take all of this from the hosts, their data included?", abort=True)
    if _run(argv):
        raise MachineError(f"down of {stack}: something is left; mend it, and do it again")


def _may_be_lab(stack: str) -> bool:
    """Say whether the stack is a lab, as far as anybody can tell any more."""
    try:
        return isinstance(StackConfig.read(stack).substrate, Lab)
    except InputError:
        return True


def _sweep(stack: str) -> None:
    argv = [sys.executable, "-m", "stacks.lab.sweep", stack]
    done = subprocess.run(argv, cwd=PROJECT, timeout=DOWN_LIMIT, check=False)
    if done.returncode:
        raise MachineError(f"down of {stack}: something is left; the line above says what")
